package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"paas"
)

// instruction is what may begin a line of a generated Dockerfile; other lines go on the one before, which ends in a backslash.
var (
	instruction = regexp.MustCompile(`^(FROM|COPY|RUN|ENV|ARG|WORKDIR|USER|STOPSIGNAL|CMD|#) `)
	fromLine    = regexp.MustCompile(`^FROM [A-Za-z0-9][A-Za-z0-9_.:/@-]*( AS [a-z]+)?$`)
)

// wellFormed says what of a text is not of the planner's own form.
func wellFormed(text string) error {
	goesOn := false
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case line == "" && !goesOn:
		case !plain(line):
			return fmt.Errorf("%q is not plain", line)
		case goesOn != strings.HasPrefix(line, "    "):
			return fmt.Errorf("%q does not go on as it should", line)
		case !goesOn && !instruction.MatchString(line):
			return fmt.Errorf("%q is no instruction", line)
		case strings.HasPrefix(line, "FROM ") && !fromLine.MatchString(line):
			return fmt.Errorf("%q is not from an image", line)
		}
		goesOn = strings.HasSuffix(line, `\`)
	}
	return nil
}

// What a repository says becomes a version, a name or a word of a list, or the plan is refused: nothing in it is an instruction, or a
// command.
func FuzzPlans(f *testing.F) {
	for _, seed := range []string{
		"1.26", "22\nRUN touch /mark", "a\\", "$(touch /mark)", "`id`", "a b", "--mount=type=bind", "<<EOF", "\u2028RUN id", "\"", "';id;'", "../..", "${HOME}", "node a.js",
	} {
		f.Add(seed, "package.json")
		f.Add(seed, "requirements.txt")
	}
	f.Fuzz(func(t *testing.T, word, extra string) {
		quoted := fmt.Sprintf("%q", word)
		for _, files := range []map[string]string{
			{"go.mod": "module " + word + "\ngo 1.26\n", "main.go": "package main\n"},
			{"go.mod": "module shop\ngo " + word + "\ntoolchain go" + word + "\n", "main.go": "package main\n"},
			{"go.mod": "module shop\n", "cmd/" + strings.ReplaceAll(word, "/", "_") + "/main.go": "package main\n"},
			{"package.json": `{"engines": {"node": ` + quoted + `}, "scripts": {"start": "node a.js"}}`},
			{"package.json": `{"packageManager": ` + quoted + `, "scripts": {"start": "node a.js", "build": ` + quoted + `}}`},
			{"package.json": `{"scripts": {"start": ` + quoted + `}}`, ".nvmrc": word, "yarn.lock": word},
			{"package.json": word}, {"requirements.txt": word, ".python-version": word, "manage.py": word}, {"Gemfile": word, "Gemfile.lock": word, ".ruby-version": word},
			{"composer.json": word}, {"composer.json": `{"require": {"php": ` + quoted + `, "ext-` + word + `": "*"}}`}, {"pom.xml": word},
			{"Cargo.toml": word, "src/main.rs": ""}, {"pyproject.toml": word, "uv.lock": word}, {"Pipfile": word, "Pipfile.lock": word},
			{"build.gradle": word, "gradlew": word, "gradle/wrapper/gradle-wrapper.properties": word},
		} {
			tree := fstest.MapFS{}
			for name, text := range files {
				if fs.ValidPath(name) {
					tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
				}
			}
			if fs.ValidPath(extra) && extra != "." && !strings.Contains(extra, "/") && tree[extra] == nil {
				tree[extra] = &fstest.MapFile{Data: []byte(word), Mode: 0o644}
			}
			p, err := Make(tree, Settings{Static: "s:1", Cache: "c"})
			if err != nil {
				if paas.CodeOf(err) != paas.Invalid {
					t.Errorf("%v: %v", files, err)
				}
				continue
			}
			if err := wellFormed(p.Text); err != nil {
				t.Errorf("%v: %v\n%s", files, err, p.Text)
			}
		}
	})
}

func TestAScriptRefusesWhatCannotStandInIt(t *testing.T) {
	for _, word := range []string{"a\nRUN id", "a\rb", "a\x00", "a\\", "\u2028", "a\u0085RUN id"} {
		d := newScript(Settings{})
		d.run("echo " + word)
		if _, err := d.text(); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%q is taken: %v", word, err)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for _, s := range []Settings{
		{Dockerfile: "../Dockerfile"}, {Dockerfile: "/etc/passwd"}, {Root: "a b"}, {Root: ".."}, {Root: "$(id)"}, {Args: []string{"A=B"}}, {Secrets: []string{"a-b"}},
		{Images: map[string]string{"go": "a\nRUN id"}}, {Images: map[string]string{"go": "a b"}}, {Images: map[string]string{"go": "$X"}},
	} {
		if _, err := Make(fstest.MapFS{"index.html": &fstest.MapFile{}}, s); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	big := &fstest.MapFile{Data: make([]byte, maxFile+1), Mode: 0o644}
	for name, files := range map[string]fstest.MapFS{
		"too big":  {"package.json": big},
		"a folder": {"package.json/x": &fstest.MapFile{}},
		"a link":   {"package.json": &fstest.MapFile{Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink | 0o777}},
		"a Dockerfile that is a folder": {"Dockerfile/x": &fstest.MapFile{}, "index.html": &fstest.MapFile{}},
	} {
		if _, err := Make(files, Settings{Static: "s"}); paas.CodeOf(err) != paas.Invalid || paas.Advice(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("the disk is gone")
	if _, err := Make(brokenFS{broken}, Settings{}); !errors.Is(err, broken) || paas.CodeOf(err) != paas.Internal {
		t.Errorf("an error of the files: %v", err)
	}
}

type brokenFS struct{ err error }

func (b brokenFS) Open(name string) (fs.File, error) { return nil, &fs.PathError{Op: "open", Path: name, Err: b.err} }

// countingFS counts what is asked of a tree.
type countingFS struct {
	fs.FS
	asked *[]string
}

func (c countingFS) Open(name string) (fs.File, error) {
	*c.asked = append(*c.asked, name)
	return c.FS.Open(name)
}

// largeTree is of 50,000 files, none of which decides anything.
func largeTree() fstest.MapFS {
	files := fstest.MapFS{}
	for i := range 50_000 {
		files[fmt.Sprintf("src/d%03d/f%05d.js", i%500, i)] = &fstest.MapFile{Mode: 0o644}
	}
	return files
}

func TestAPlanDoesNotWalkTheTree(t *testing.T) {
	files := largeTree()
	files["package.json"] = &fstest.MapFile{Data: []byte(`{"scripts": {"start": "node a.js"}}`), Mode: 0o644}
	var asked []string
	if _, err := Make(countingFS{files, &asked}, Settings{}); err != nil {
		t.Fatal(err)
	}
	if len(asked) > 200 || slices.ContainsFunc(asked, func(name string) bool { return strings.HasPrefix(name, "src/d") }) {
		t.Errorf("it looks at %d files: %q", len(asked), asked)
	}
}

// The bound is 20 ms for a tree of this size.
func BenchmarkPlan(b *testing.B) {
	dir := b.TempDir()
	files := largeTree()
	files["package.json"] = &fstest.MapFile{Data: []byte(`{"scripts": {"start": "node a.js"}}`), Mode: 0o644}
	if err := os.CopyFS(dir, files); err != nil {
		b.Fatal(err)
	}
	tree := os.DirFS(dir)
	for b.Loop() {
		began := time.Now()
		if _, err := Make(tree, Settings{}); err != nil {
			b.Fatal(err)
		}
		if took := time.Since(began); took > 20*time.Millisecond {
			b.Logf("one took %s", took)
		}
	}
}
