package paas

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestRegistryHostsAreThoseOfReferences(t *testing.T) {
	for text, want := range map[string]string{
		"ghcr.io": "ghcr.io", "GHCR.io": "ghcr.io", "localhost": "localhost", "localhost:5000": "localhost:5000", "127.0.0.1:5000": "127.0.0.1:5000",
		"registry:5000": "registry:5000", "[::1]:5000": "[::1]:5000", "docker.io": DockerHub, "index.docker.io": DockerHub,
		"https://index.docker.io/v1/": DockerHub, "registry-1.docker.io": DockerHub,
		"": "", "-x": "", "a;b": "", "a b.c": "", "a\n.b": "", "user": "", "https://ghcr.io": "", "ghcr.io/owner": "", "a..b": "", "$(x).y": "", "x.y:port": "",
	} {
		got, err := ParseRegistryHost(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestALoginDoesNotShowItsPassword(t *testing.T) {
	l := RegistryLogin{Registry: Registry{Host: "ghcr.io", User: "ada"}, Password: "s3cr3t"}
	if err := l.Validate(); err != nil {
		t.Error(err)
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{string(text), fmt.Sprint(l), fmt.Sprintf("%+v %#v", l, l)} {
		if strings.Contains(shown, l.Password) {
			t.Error(shown)
		}
	}
	for _, wrong := range []RegistryLogin{
		{Registry: Registry{Host: "GHCR.io", User: "a"}, Password: "b"},
		{Registry: Registry{Host: "ghcr.io", User: ""}, Password: "b"},
		{Registry: Registry{Host: "ghcr.io", User: "a:c"}, Password: "b"},
		{Registry: Registry{Host: "ghcr.io", User: "a"}, Password: ""},
		{Registry: Registry{Host: "ghcr.io", User: "a"}, Password: "b\nc"},
		{Registry: Registry{Host: "ghcr.io", User: "a"}, Password: strings.Repeat("x", 20<<10)},
	} {
		if CodeOf(wrong.Validate()) != Invalid {
			t.Errorf("%v is taken", wrong)
		}
	}
}
