package release

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestArgv(t *testing.T) {
	env := paas.Config{"PORT": "5000", "NAME": "two words"}
	for _, c := range []struct {
		name, command string
		shell         bool
		extra, want   []string
	}{
		{"no command keeps the image's", "", true, nil, nil},
		{"without a shell words are split and variables filled in", `./hello -p $PORT "$NAME" 'a b'`, false, nil, []string{"./hello", "-p", "5000", "two words", "a b"}},
		{"with a shell it gets exec", "./hello -p $PORT", true, nil, []string{"sh", "-c", "exec ./hello -p $PORT"}},
		{"exec goes before the last of a chain", "cd x && A=1 ./y", true, nil, []string{"sh", "-c", "cd x && A=1 exec ./y"}},
		{"a pipeline keeps its shell", "a | b", true, nil, []string{"sh", "-c", "a | b"}},
		{"a list keeps its shell", "a; b", true, nil, []string{"sh", "-c", "a; b"}},
		{"an exec of its own is enough", "exec a", true, nil, []string{"sh", "-c", "exec a"}},
		{"words are appended in a shell", "rake", true, []string{"a b", "$c"}, []string{"sh", "-c", `exec rake "$@"`, "sh", "a b", "$c"}},
		{"words are appended without one", "rake", false, []string{"a b", "$c"}, []string{"rake", "a b", "$c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := argv(c.command, c.shell, env, c.extra...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, command := range []string{"a && b", "$(id)", "`id`", "a | b", "'open", "$NOTHING"} {
		if got, err := argv(command, false, env); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%q without a shell: %q, %v", command, got, err)
		}
	}
}
