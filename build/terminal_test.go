package build

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLinesComeWholeHoweverTheOutputIsCut(t *testing.T) {
	const text = "one\r\ntwo 10%\rtwo 99%\r\n\n\x1b[31mré\x1b[0md\nlast"
	want := []string{"one", "two 99%", "", "réd", "last"}
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

func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\rc\n\x1b[31mx"), 3)
	f.Add([]byte(strings.Repeat("é", maxLine)), 1000)
	f.Add([]byte("\x1b]0;t\x07\u009b1m\u202e\xff"), 1)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if size < 1 {
			return
		}
		var l lines
		emit := func(line string) {
			if !utf8.ValidString(line) || len(line) > 3*maxLine || strings.ContainsAny(line, "\r\n\x1b\x00\x07\u009b") {
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
