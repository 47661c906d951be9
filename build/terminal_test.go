package build

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLinesComeWholeHoweverTheOutputIsCut(t *testing.T) {
	const text = "one\r\ntwo 10%\rtwo 99%\r\n\n\x1b[31mré\x1b[0md\nlast"
	want := []string{"one", "two 99%", "", "\x1b[31mré\x1b[0md", "last"}
	for size := 1; size <= len(text); size++ {
		var got []string
		var l lines
		emit := func(line string) { got = append(got, line) }
		for rest := []byte(text); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			l.write(rest[:min(size, len(rest))], emit)
		}
		l.end(emit)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("in pieces of %d: %s", size, diff)
		}
	}
}

func TestColoursAreAllThatATerminalGets(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                                   "plain",
		"\x1b[1;31mred\x1b[0m":                    "\x1b[1;31mred\x1b[0m",
		"\x1b[31mred":                             "\x1b[31mred\x1b[0m",
		"\x1b[38;2;1;2;3mx\x1b[m":                 "\x1b[38;2;1;2;3mx\x1b[m",
		"\x1b[38:5:9mx\x1b[0m":                    "\x1b[38:5:9mx\x1b[0m",
		"\x1b[2J\x1b[1;1Htop\x1b[K":               "top",
		"\x1b]0;title\x07x":                       "x",
		"\x1b]52;c;cm0gLXJm\x1b\\x":               "x",
		"\x1b]8;;http://a\x07l":                   "l",
		"\x1bPq#0\x1b\\x":                         "x",
		"\x1b[>4;1mx":                             "x",
		"\x1b[?25lx\x1b[?1049h":                   "x",
		"\x1bcx\x1b7":                             "x",
		"\x1b\x1b[31m[2Jx":                        "\x1b[31m[2Jx\x1b[0m",
		"\x1b[\x1b[31m2Jx\x1b[0m":                 "\x1b[31m2Jx\x1b[0m",
		"a\x1b":                                   "a",
		"a\x1b[31":                                "a31",
		"\u009b31mx\u202ey\x07":                   "31mxy",
		"\x1b[" + strings.Repeat("1;", 99) + "mx": "x",
	} {
		got := coloured(text)
		if got != want {
			t.Errorf("coloured(%q) = %q, not %q", text, got, want)
		}
		if bare := colourless(got); bare != plain(text) || strings.ContainsRune(bare, '\x1b') {
			t.Errorf("colourless(%q) = %q, not %q", got, bare, plain(text))
		}
		for size := 1; size <= len(got); size++ {
			var out strings.Builder
			f := &fade{w: &out}
			for rest := got; rest != ""; rest = rest[min(size, len(rest)):] {
				if _, err := f.Write([]byte(rest[:min(size, len(rest))])); err != nil {
					t.Fatal(err)
				}
			}
			if out.String() != plain(text) {
				t.Errorf("%q in pieces of %d: %q", got, size, out.String())
			}
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\rc\n\x1b[31mx"), 3)
	f.Add([]byte(strings.Repeat("é", maxLine)), 1000)
	f.Add([]byte("\x1b[\x1b[1mm\x1b\x1b[mx"), 5)
	f.Add([]byte("\x1b]0;t\x07\u009b1m\u202e\xff"), 1)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if size < 1 {
			return
		}
		var l lines
		emit := func(line string) {
			bare := colourless(line)
			if !utf8.ValidString(line) || len(line) > 3*maxLine+len(noColour) || strings.ContainsAny(bare, "\r\n\x1b\x00\x07\u009b") || plain(line) != bare {
				t.Fatalf("line %q", line)
			}
		}
		for rest := text; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			l.write(rest[:min(size, len(rest))], emit)
			if len(l.buf) > maxLine {
				t.Fatalf("%d bytes are held", len(l.buf))
			}
		}
		l.end(emit)
	})
}
