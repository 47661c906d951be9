package paas

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func patch(pairs ...string) BuildPatch {
	p := BuildPatch{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, ":")
		p[name] = &value
		if !ok {
			p[name] = nil
		}
	}
	return p
}

func TestBuildSettingsApply(t *testing.T) {
	start := BuildSettings{Args: map[string]string{"OLD": "1"}, Branch: "prod"}
	next, changed, err := start.Apply(patch("args:A=1,B=a\\,b,C=x=y", "args[D]:", "dockerfile:./docker/Dockerfile", "memory:2GB", "cpus:1.5", "timeout:2h", "network:none", "branch"))
	if err != nil {
		t.Fatal(err)
	}
	want := BuildSettings{
		Dockerfile: "docker/Dockerfile", Args: map[string]string{"A": "1", "B": "a,b", "C": "x=y", "D": ""}, Network: BuildNetworkNone,
		Memory: 2_000_000_000, CPUs: 1.5, Timeout: 7200,
	}
	if diff := cmp.Diff(want, next); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"args", "args[D]", "branch", "cpus", "dockerfile", "memory", "network", "timeout"}, changed); diff != "" {
		t.Error(diff)
	}
	if len(start.Args) != 1 {
		t.Error("the settings before were changed")
	}
	if _, changed, err = next.Apply(patch("cpus:1.5", "args[A]:1", "root")); err != nil || len(changed) != 0 {
		t.Errorf("what is set already changed %v, %v", changed, err)
	}
	if next, changed, err = next.Apply(patch("args", "args[E]:5")); err != nil || len(next.Args) != 1 || len(changed) != 2 {
		t.Errorf("all but one argument: %v, %v, %v", next.Args, changed, err)
	}
}

func TestBuildSettingsRefuse(t *testing.T) {
	for _, pair := range []string{
		"dockerfile:../Dockerfile", "dockerfile:/etc/passwd", "dockerfile:a/../../b", "dockerfile:-f", "dockerfile:a\nRUN x", "dockerfile:", "root:\\x",
		"args:A", "args[1]:x", "args[A B]:x", "args[BUILDKIT_SYNTAX]:evil/frontend", "args[buildkit_x]:y", "args[A]:a\x00b", "args:BUILDKIT_INLINE_CACHE=1", "args[x:1",
		"network:host", "network:container:x", "memory:1MB", "memory:-1", "cpus:0", "cpus:NaN", "cpus:-1", "cpus:1e9", "timeout:0", "timeout:25h",
		"branch:-x", "branch:a..b", "branch:a b", "branch:a.lock", "branch:$(id)", "color:red",
	} {
		if _, _, err := (BuildSettings{}).Apply(patch(pair)); CodeOf(err) != Invalid {
			t.Errorf("%q: %v", pair, err)
		} else if Advice(err) == "" {
			t.Errorf("%q: no hint in %v", pair, err)
		}
	}
	if err := (BuildPatch{}).Validate(); CodeOf(err) != Invalid {
		t.Errorf("nothing: %v", err)
	}
}

func TestBuildSettingsAreListedWithTheirDefaults(t *testing.T) {
	list := BuildSettings{Args: map[string]string{"B": "2", "A": ""}, CPUs: 0.5}.Settings()
	got := map[string]BuildSetting{}
	for _, s := range list {
		got[s.Name] = s
	}
	for _, want := range []BuildSetting{
		{"branch", "main", false}, {"cpus", "0.5", true}, {"network", "default", false}, {"args[A]", "", true}, {"args[B]", "2", true}, {"dockerfile", "", false},
	} {
		if got[want.Name] != want {
			t.Errorf("%+v, want %+v", got[want.Name], want)
		}
	}
}
