package client

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestSplitWords(t *testing.T) {
	tests := []struct {
		line string
		want []string
	}{
		{`ssh`, []string{"ssh"}},
		{`  ssh   -i key  `, []string{"ssh", "-i", "key"}},
		{`ssh -i ~/.ssh/key`, []string{"ssh", "-i", "/home/ada/.ssh/key"}},
		{`ssh -i '~/key'`, []string{"ssh", "-i", "~/key"}},
		{`ssh -i "/my keys/a b"`, []string{"ssh", "-i", "/my keys/a b"}},
		{`ssh -o 'ProxyCommand=nc %h %p; $x'`, []string{"ssh", "-o", "ProxyCommand=nc %h %p; $x"}},
		{`ssh -o Proxy"Jump"=a\ b`, []string{"ssh", "-o", "ProxyJump=a b"}},
		{`ssh "a\"b\\c\d" ''`, []string{"ssh", `a"b\c\d`, ""}},
		{`'C:\Program Files\ssh.exe' -v`, []string{`C:\Program Files\ssh.exe`, "-v"}},
		{``, nil},
	}
	for _, tt := range tests {
		got, err := splitWords(tt.line, "/home/ada")
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", tt.line, err, diff)
		}
	}
}

func TestSplitWordsRefusesWhatNeedsAShell(t *testing.T) {
	for _, line := range []string{
		`ssh $ARGS`, "ssh `id`", `ssh "$HOME/key"`, `ssh; id`, `ssh | tee log`, `ssh && id`, `ssh > log`, `ssh (x)`, `ssh *`, `ssh 'open`, `ssh "open`, `ssh \`,
	} {
		if got, err := splitWords(line, "/home/ada"); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: %q, %v", line, got, err)
		}
	}
}

func FuzzSplitWords(f *testing.F) {
	for _, s := range []string{`ssh -i ~/key`, `ssh 'a b' "c\"d" e\ f`, `'`, `\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitWords(line, "/home/ada")
		if err != nil {
			return
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		again, err := splitWords(strings.Join(quoted, " "), "")
		if err != nil || !cmp.Equal(append([]string{}, words...), append([]string{}, again...)) {
			t.Errorf("%q: %q, then %q, %v", line, words, again, err)
		}
	})
}
