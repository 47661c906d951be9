package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// awkward are values that get lost where somebody is careless.
func awkward() paas.Config {
	return paas.Config{
		"EMPTY": "", "EQUALS": "a=b==c", "SPACE": "  two  words ", "NEWLINE": "one\ntwo\n\n", "QUOTE": `it's "so"`, "DOLLAR": "$HOME `id` $(id)",
		"BACKSLASH": `a\nb\\`, "EMOJI": "søt 🐟", "HASH": "a # b", "BANG": "a!b", "TAB": "\tx\r", "LARGE": strings.Repeat("x'", 16<<10), "BYTES": "\xff\x01",
	}
}

func TestShellOutputReadsBackExactly(t *testing.T) {
	got, err := parseEnv(formatEnv(awkward()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(awkward(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// III-4: what `config --shell` prints gives the same bytes in a POSIX shell.
func TestAShellReadsTheSameBytes(t *testing.T) {
	for key, want := range awkward() {
		script := formatEnv(awkward()) + `printf '%s|' "$` + key + `"`
		//nolint:revive // that a shell reads it is what is tested; no user's input is in it
		out, err := exec.CommandContext(context.Background(), "sh", "-c", script).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSuffix(string(out), "|"); got != want {
			t.Errorf("%s is %q in the shell, want %q", key, got, want)
		}
	}
}

func TestParseEnv(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     paas.Config
		err      string
	}{
		{name: "nothing", in: "", want: paas.Config{}},
		{name: "blank lines and comments", in: "\n  \n# A=1\n\t# B\n", want: paas.Config{}},
		{name: "plain", in: "A=1\nB=2", want: paas.Config{"A": "1", "B": "2"}},
		{name: "export, blanks and CRLF", in: "export A=1\r\n  B = x y  \r\n", want: paas.Config{"A": "1", "B": "x y"}},
		{name: "plain values are verbatim", in: `A=it's "so" \n # $x`, want: paas.Config{"A": `it's "so" \n # $x`}},
		{name: "single quotes", in: `A='x\n$y "z"'`, want: paas.Config{"A": `x\n$y "z"`}},
		{name: "double quotes", in: `A="x\ny \"z\" \$h \\ \q"`, want: paas.Config{"A": "x\ny \"z\" $h \\ \\q"}},
		{name: "quotes in a row", in: `A='a'"b"c\ d`, want: paas.Config{"A": "abc d"}},
		{name: "over lines", in: "A='1\n2\n'\nB=3", want: paas.Config{"A": "1\n2\n", "B": "3"}},
		{name: "a comment after quotes", in: "A='1' # one\nB=2", want: paas.Config{"A": "1", "B": "2"}},
		{name: "the last backslash", in: `A='x'\`, want: paas.Config{"A": "x"}},
		{name: "no equals", in: "A=1\n\nB", err: `line 3: there is no = in "B"`},
		{name: "twice", in: "A=1\nA=2", err: "is given twice"},
		{name: "an open quote", in: "A=1\nB='x\ny\n", err: "line 2: a quote is not closed"},
		{name: "an open quote over lines counts on", in: "A='x\ny'\nB", err: "line 3: "},
		{name: "words after quotes", in: "A='x' y", err: `line 1: "y" follows the quoted value`},
	} {
		got, err := parseEnv(c.in)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || paas.CodeOf(err) != paas.Invalid {
				t.Errorf("%s: error %v, want %q", c.name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// What parses, parses to the same after it was written by us.
func FuzzParseEnv(f *testing.F) {
	for _, seed := range []string{"A=1", "A='x\ny'\nB=\"\\n\"", "export A=b # c", "A='", "=", "'", "A=\\", "A='x'\\\n", "\r\n=\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		config, err := parseEnv(text)
		if err != nil {
			if paas.CodeOf(err) != paas.Invalid {
				t.Fatalf("parseEnv(%q): %v is no user error", text, err)
			}
			return
		}
		for key := range config {
			if paas.ValidateConfigKey(key) != nil {
				return // the keys are checked by who uses them
			}
		}
		again, err := parseEnv(formatEnv(config))
		if err != nil {
			t.Fatalf("parseEnv(%q) cannot be read back: %v", text, err)
		}
		if diff := cmp.Diff(config, again); diff != "" {
			t.Fatalf("parseEnv(%q) changes when read back (-was +is):\n%s", text, diff)
		}
	})
}
