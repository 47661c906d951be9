package runtime

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"paas"
)

const secretValue = "s3cr3t-of-the-build"

// everythingOf is all that the engine tells of an image: its description and history, and its layers as it saves them.
func everythingOf(t *testing.T, d *Docker, id string) string {
	t.Helper()
	found, err := d.inspectImage(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	history, err := d.client.ImageHistory(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := d.client.ImageSave(t.Context(), []string{id})
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	layers, err := io.ReadAll(saved)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{found, history})
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + string(layers)
}

func TestABuildSecretReachesTheStepAndNothingElse(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := imageSpec()
	spec.Secrets = map[string]string{"NPM_TOKEN": secretValue, "UNUSED": "another-secret"}
	var said []paas.BuildEvent
	var s steps
	image, err := d.BuildImage(t.Context(), tree(t,
		`RUN --mount=type=secret,id=NPM_TOKEN,required=true ["/probe", "sum", "/run/secrets/NPM_TOKEN"]`,
		`RUN --mount=type=secret,id=NPM_TOKEN ["/probe", "show", "/run/secrets/NPM_TOKEN"]`,
		`RUN --mount=type=secret,id=ABSENT ["/probe", "sum", "/run/secrets/ABSENT"]`,
	), spec, func(e paas.BuildEvent) { said = append(said, e); s.add(e) })
	if err != nil {
		t.Fatal(err)
	}
	if got := s.outputOf(t, "sum\", \"/run/secrets/NPM_TOKEN"); !strings.Contains(got, sumOf(secretValue)) {
		t.Errorf("the step read %q", got)
	}
	if got := s.outputOf(t, "show"); strings.ReplaceAll(got, ".", "") != "********\n" {
		t.Errorf("a step that prints the secret is shown as %q", got)
	}
	if got := s.outputOf(t, "ABSENT"); !strings.Contains(got, "no such file") {
		t.Errorf("a secret that is not set is %q", got)
	}
	text, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	for where, found := range map[string]string{"the events": string(text), "the image": everythingOf(t, d, image.ID)} {
		if strings.Contains(found, secretValue) {
			t.Errorf("the secret is in %s", where)
		}
	}
	usage, err := d.client.DiskUsage(t.Context(), client.DiskUsageOptions{BuildCache: true, Verbose: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range usage.BuildCache.Items {
		if strings.Contains(record.Description, secretValue) {
			t.Errorf("the secret is in the build cache: %s", record.Description)
		}
	}
}

func TestABuildSecretIsNoPartOfTheCachesKey(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := imageSpec()
	spec.NoCache = false
	lines := []string{"ENV UNIQUE=" + newID(), `RUN --mount=type=secret,id=A ["/probe", "exit", "0"]`}
	for n, value := range []string{"first-value", "second-value"} {
		spec.Secrets = map[string]string{"A": value}
		cached := false
		_, err := d.BuildImage(t.Context(), tree(t, append(lines, "LABEL n="+value)...), spec, func(e paas.BuildEvent) {
			cached = cached || e.Cached && strings.Contains(e.Name, "RUN")
		})
		if err != nil {
			t.Fatal(err)
		}
		if n == 1 && !cached {
			t.Error("another value of a secret has the step run again")
		}
	}
}

func TestAMissingRequiredSecretIsNamed(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string]map[string]string{"none set": nil, "another set": {"OTHER": "value"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := imageSpec()
			spec.Secrets = secrets
			_, err := newDocker(t).BuildImage(t.Context(), tree(t, `RUN --mount=type=secret,id=NPM_TOKEN,required=true ["/probe", "exit", "0"]`), spec, func(paas.BuildEvent) {})
			wantCode(t, err, paas.Failed)
			if !strings.HasSuffix(err.Error(), "the build secret NPM_TOKEN is not set") || paas.Advice(err) != "try: paas build:secret NPM_TOKEN=…" {
				t.Errorf("%v\n%s", err, paas.Advice(err))
			}
		})
	}
}

func BenchmarkSession(b *testing.B) {
	d := newDocker(b)
	for b.Loop() {
		s, err := d.openSession(b.Context(), imageSpec(), nil, &fileSync{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.close(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestASecretThatIsOptionalMayBeMissing(t *testing.T) {
	t.Parallel()
	_, err := newDocker(t).BuildImage(t.Context(), tree(t, `RUN --mount=type=secret,id=A ["/probe", "exit", "0"]`), imageSpec(), func(paas.BuildEvent) {})
	if err != nil {
		t.Error(err)
	}
}

func TestBuildArgumentsReachOnlyWhatDeclaresThem(t *testing.T) {
	t.Setenv("FROM_PAASD", "leaked")
	d := newDocker(t)
	spec := imageSpec()
	spec.Args = map[string]string{"VERSION": "1 2\n$(touch /tmp/x)", "HIDDEN": "h"}
	var s steps
	_, err := d.BuildImage(t.Context(), tree(t, "ARG VERSION", "ARG FROM_PAASD", `RUN ["/probe", "env"]`), spec, s.add)
	if err != nil {
		t.Fatal(err)
	}
	got := s.outputOf(t, "RUN")
	if !strings.Contains(got, "VERSION=1 2\n$(touch /tmp/x)\n") || strings.Contains(got, "HIDDEN") || strings.Contains(got, "FROM_PAASD") {
		t.Errorf("the step's environment is %q", got)
	}
}

func TestABuildIsNotGivenWhatSteersTheBuilder(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	for name, change := range map[string]func(*paas.ImageSpec){
		"an argument of BuildKit's": func(s *paas.ImageSpec) { s.Args = map[string]string{"buildkit_SYNTAX": "evil"} },
		"an argument with a space":  func(s *paas.ImageSpec) { s.Args = map[string]string{"A B": "c"} },
		"arguments that are large":  func(s *paas.ImageSpec) { s.Args = map[string]string{"A": strings.Repeat("x", 65<<10)} },
		"a secret with a slash":     func(s *paas.ImageSpec) { s.Secrets = map[string]string{"../x": "c"} },
		"an empty secret":           func(s *paas.ImageSpec) { s.Secrets = map[string]string{"A": ""} },
		"a secret with a NUL":       func(s *paas.ImageSpec) { s.Secrets = map[string]string{"A": "a\x00b"} },
		"a network of the host's":   func(s *paas.ImageSpec) { s.Network = "host" },
	} {
		spec := imageSpec()
		change(&spec)
		_, err := d.BuildImage(t.Context(), tree(t), spec, func(paas.BuildEvent) { t.Errorf("%s: a build began", name) })
		if paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestABuildWithoutNetworkHasNone(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	for network, alone := range map[paas.BuildNetwork]bool{paas.BuildNetworkNone: true, paas.BuildNetworkDefault: false} {
		spec := imageSpec()
		spec.Network = network
		var s steps
		if _, err := d.BuildImage(t.Context(), tree(t, `RUN ["/probe", "interfaces"]`), spec, s.add); err != nil {
			t.Fatal(err)
		}
		if got := s.outputOf(t, "RUN"); (got == "lo\n") != alone {
			t.Errorf("network %q: the step has %q", network, got)
		}
	}
}

func TestTheOldBuilderRefusesSecrets(t *testing.T) {
	t.Parallel()
	spec := imageSpec()
	spec.Secrets = map[string]string{"A": "value"}
	b := &imageBuild{Docker: newDocker(t), spec: spec, version: "1", events: func(paas.BuildEvent) { t.Error("a build began") }}
	_, err := b.run(t.Context(), tree(t))
	wantCode(t, err, paas.Failed)
	if !strings.Contains(err.Error(), "BuildKit") {
		t.Error(err)
	}
}

func sumOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

func TestABuildReachesNoInstance(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	i := start(t, d, newSpec("web", "listen", "0.0.0.0", "5000"))
	waitForLine(t, d, i.ID, "ready")
	host, err := net.Listen("tcp", "127.0.0.1:0") // as paasd's API does
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	_, port, err := net.SplitHostPort(host.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	instance := net.JoinHostPort(i.Addr.String(), "5000")
	if conn, err := net.DialTimeout("tcp", instance, time.Second); err != nil {
		t.Fatalf("the instance does not listen: %v", err)
	} else {
		conn.Close()
	}
	bridge, err := d.client.NetworkInspect(t.Context(), "bridge", client.NetworkInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	gateway := bridge.Network.IPAM.Config[0].Gateway.String()
	var s steps
	_, err = d.BuildImage(t.Context(), tree(t, fmt.Sprintf(`RUN ["/probe", "reach", %q, "127.0.0.1:%s", "%s:%s"]`, instance, port, gateway, port)), imageSpec(), s.add)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.outputOf(t, "RUN"); strings.Contains(got, "true") {
		t.Errorf("a build reaches\n%s", got)
	}
}
