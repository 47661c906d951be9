package build

import (
	"errors"
	"strings"
	"testing"

	"paas"
)

const (
	idA  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	idB  = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	none = "0000000000000000000000000000000000000000"
)

func TestHostileUpdateLinesAreRefused(t *testing.T) {
	for _, line := range []string{
		"", "\n", "x", idA, idA + " " + idB, idA + " " + idB + " ",
		idA + " " + idB + " -rf",
		idA + " " + idB + " --upload-pack=touch /tmp/x",
		idA + " " + idB + " HEAD",
		idA + " " + idB + " refs/heads/a b",
		idA + " " + idB + " refs/heads/a\x00b",
		idA + " " + idB + " refs/heads/a\x1b[2J",
		idA + " " + idB + " refs/heads/../../x",
		idA + " " + idB + " refs/heads/",
		"--output=x " + idB + " refs/heads/main",
		idA + " -x refs/heads/main",
		strings.ToUpper(idA) + " " + idB + " refs/heads/main",
		idA[:39] + " " + idB + " refs/heads/main",
		idA + " " + idB + idB[:24] + " refs/heads/main",
		idA + "  " + idB + " refs/heads/main",
		idA + " " + idB + " refs/heads/main\nrubbish",
		strings.Repeat(idA+" "+idB+" refs/heads/main\n", 20_000),
	} {
		ups, err := parseUpdates(line)
		if paas.CodeOf(err) != paas.Invalid {
			t.Errorf("parseUpdates(%.80q) = %v, %v", line, ups, err)
		}
	}
}

func TestDeployBranch(t *testing.T) {
	for _, tc := range []struct {
		setting string
		heads   []string
		want    string
	}{
		{"", nil, "main"},
		{"", []string{"main"}, "main"},
		{"", []string{"master"}, "master"},
		{"", []string{"main", "master"}, "main"},
		{"", []string{"feature"}, "main"},
		{"live", []string{"main"}, "live"},
	} {
		if got := deployBranch(paas.App{Build: paas.BuildSettings{Branch: tc.setting}}, tc.heads); got != tc.want {
			t.Errorf("setting %q, branches %v: %s, want %s", tc.setting, tc.heads, got, tc.want)
		}
	}
}

func TestTagNamesInHintsAreShellSafe(t *testing.T) {
	_, _, err := chooseUpdate(paas.App{Name: "hello"}, nil, []update{{old: none, new: idA, ref: "refs/tags/$(id)'x"}})
	e, ok := errors.AsType[*paas.Error](err)
	if !ok || !strings.Contains(e.Hint, `'refs/tags/$(id)'\''x'^{commit}:main`) {
		t.Errorf("got %+v", e)
	}
}

func FuzzUpdates(f *testing.F) {
	f.Add(none + " " + idA + " refs/heads/main\n")
	f.Add(idA + " " + none + " refs/tags/v1\n" + none + " " + idB + " refs/heads/x\n")
	f.Add("-x --y z")
	f.Fuzz(func(t *testing.T, text string) {
		ups, err := parseUpdates(text)
		if err != nil {
			if paas.CodeOf(err) != paas.Invalid {
				t.Fatal(err)
			}
			return
		}
		for _, up := range ups {
			if !fullID.MatchString(string(up.old)) || !fullID.MatchString(string(up.new)) || !strings.HasPrefix(up.ref, "refs/") {
				t.Fatalf("%+v", up)
			}
		}
		if _, up, err := chooseUpdate(paas.App{Name: "hello"}, nil, ups); err == nil && (len(ups) != 1 || up.new.zero()) {
			t.Fatalf("%q deploys %+v", text, up)
		}
	})
}
