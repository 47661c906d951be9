package build

import (
	"path/filepath"
	"strings"
	"testing"

	"paas"
)

func TestProcfile(t *testing.T) {
	var got strings.Builder
	for _, tc := range []struct{ name, text string }{
		{"one type", "web: ./server\n"},
		{"no newline at the end", "web: ./server"},
		{"order is kept", "worker: w\nweb: s\nclock: c\n"},
		{"comments and blank lines", "# processes\n\n  # indented\nweb: ./server # kept\n\n"},
		{"carriage returns", "web: ./server\r\nworker: ./work\r\n"},
		{"byte order mark", "\ufeffweb: ./server\n"},
		{"no space", "web:./server"},
		{"much space", "  web: \t ./server --flag  \n"},
		{"colons in the command", "web: ./server --addr=:$PORT --x a:b"},
		{"quotes and shell", `web: sh -c 'exec "$0" && x' | y > z`},
		{"unicode", "web: ./server --greeting grüß-🦊"},
		{"all characters of a type", "aZ09_-: x"},
		{"a release command", "web: s\nrelease: ./migrate\n"},
		{"empty file", ""},
		{"comments alone", "# nothing\n\n"},
		{"release alone", "release: ./migrate"},
		{"no command", "web: ./server\nworker:\n"},
		{"spaces for a command", "worker:   \n"},
		{"no colon", "web ./server"},
		{"no type", ": ./server"},
		{"space in a type", "\nmy web: ./server"},
		{"dot in a type", "web.1: ./server"},
		{"twice", "web: a\n# again\nweb: b"},
		{"run", "run: ./x"},
		{"type too long", strings.Repeat("x", 64) + ": y"},
		{"command too long", "web: " + strings.Repeat("x", maxCommandBytes+1)},
		{"too many types", manyTypes(maxProcessTypes + 1)},
		{"too long", strings.Repeat("#\n", MaxProcfileBytes)},
		{"NUL", "web: a\x00b"},
		{"not UTF-8", "web: \xff\xfe"},
		{"UTF-16", "w\x00e\x00b\x00:\x00 \x00x\x00"},
		{"escape sequence", "\x1b[2Jweb ./server"},
		{"a conflict marker", "<<<<<<< HEAD\nweb: a\n"},
	} {
		types, err := ParseProcfile([]byte(tc.text))
		got.WriteString("== " + tc.name + "\n")
		for _, p := range types {
			if err == nil {
				got.WriteString(p.Name + " -> " + paas.Quote(p.Command) + "\n")
			}
		}
		if err != nil {
			writeError(&got, err)
		}
	}
	golden(t, filepath.Join("testdata", "procfile.golden"), got.String())
}

func manyTypes(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("y", i%60+1) + string(rune('a'+i/60)) + ": x\n")
	}
	return b.String()
}

func FuzzProcfile(f *testing.F) {
	for _, seed := range []string{"web: ./server\nworker: x\n", "web:\r\n", "# c\n\nrun: x", "\ufeffweb: x", "a: b\na: c", "x:\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		types, err := ParseProcfile(text)
		if err != nil {
			if paas.CodeOf(err) != paas.Invalid || strings.ContainsAny(err.Error(), "\n\x1b\x00") {
				t.Fatalf("error %q", err)
			}
			return
		}
		seen := map[string]bool{}
		for _, p := range types {
			if !paas.ValidProcessType(p.Name) || p.Name == paas.RunType || seen[p.Name] {
				t.Fatalf("type %q", p.Name)
			}
			if p.Command == "" || strings.TrimSpace(p.Command) != p.Command || strings.ContainsAny(p.Command, "\n\x00") {
				t.Fatalf("command %q", p.Command)
			}
			seen[p.Name] = true
		}
		if len(types.Names()) == 0 {
			t.Fatal("no process")
		}
	})
}
