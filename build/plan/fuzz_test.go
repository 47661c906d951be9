package plan

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"mvdan.cc/sh/v3/syntax"

	"paas"
)

// Whatever is in the files of a repository, the Dockerfile that comes of them has the planner's instructions and its commands only.
func FuzzFiles(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("%d archives, %v", len(paths), err)
	}
	archives := make([]*txtar.Archive, len(paths))
	for i, path := range paths {
		if archives[i], err = txtar.ParseFile(path); err != nil {
			f.Fatal(err)
		}
		for j, file := range archives[i].Files {
			f.Add(uint(i), uint(j), file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, i, j uint, content []byte) {
		archive := *archives[i%uint(len(archives))]
		if len(archive.Files) == 0 {
			return
		}
		archive.Files = slices.Clone(archive.Files)
		archive.Files[j%uint(len(archive.Files))].Data = content
		p, err := Make(treeOf(&archive), settingsOf(t, &archive))
		if err != nil {
			if paas.CodeOf(err) != paas.Invalid || !plain(err.Error()) {
				t.Fatalf("the error %q", err)
			}
			return
		}
		if slices.ContainsFunc(p.Notes, func(note string) bool { return !plain(note) }) {
			t.Errorf("the notes %q", p.Notes)
		}
		for _, instruction := range instructions(p.Text) {
			checkInstruction(t, instruction)
		}
	})
}

// instructions are those of a Dockerfile, each in one line, without comments.
func instructions(text string) []string {
	var all []string
	for line := range strings.Lines(strings.ReplaceAll(text, " \\\n    ", " ")) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			all = append(all, line)
		}
	}
	return all
}

var (
	harmless = regexp.MustCompile(`^(FROM [A-Za-z0-9][A-Za-z0-9_.:/@-]*( AS [a-z]+)?|ARG [A-Za-z_][A-Za-z0-9_]*|ENV( [A-Za-z_][A-Za-z0-9_]*=[A-Za-z0-9/:._$=+-]+)+|` +
		`WORKDIR /[a-z/]+|USER 65532:65532|STOPSIGNAL SIGTERM)$`)
	copies   = regexp.MustCompile(`^COPY (?:--from=[a-z]+ )?(?:--chown=65532:65532 )?(\[.*\])$`)
	harmPath = regexp.MustCompile(`(^-|^\.\.|/\.\.|[^A-Za-z0-9_.+/-])`)
	mounts   = regexp.MustCompile(`--mount=type=(cache|secret)[a-z0-9A-Z_=,/.-]* `)
)

// commands are all that generated Dockerfiles run while they build.
var commands = []string{
	"[", "/tools/bin/pip", "/tools/bin/pipenv", "/tools/bin/poetry", "/tools/bin/uv", "a2enmod", "apt-get", "bundle", "cargo", "cat", "cd", "chown", "composer", "cp",
	"docker-php-ext-configure", "docker-php-ext-enable", "docker-php-ext-install", "echo", "exit", "export", "find", "go", "gradle", "grep", "jar", "ln", "mkdir", "mvn", "npm", "nproc",
	"pecl", "pip", "pnpm", "printf", "python", "python3", "read", "rm", "set", "sh", "yarn",
}

func checkInstruction(t *testing.T, instruction string) {
	name, rest, _ := strings.Cut(instruction, " ")
	switch name {
	case "RUN":
		checkShell(t, mounts.ReplaceAllString(rest+" ", ""), commands)
	case "CMD":
		var argv []string
		if err := json.Unmarshal([]byte(rest), &argv); err != nil || len(argv) == 0 {
			t.Errorf("%s: %v", instruction, err)
		} else if argv[0] == "sh" && len(argv) == 3 {
			checkShell(t, argv[2], []string{"exec"})
		}
	case "COPY":
		var words []string
		m := copies.FindStringSubmatch(instruction)
		if m == nil || json.Unmarshal([]byte(m[1]), &words) != nil || len(words) < 2 || slices.ContainsFunc(words, harmPath.MatchString) {
			t.Errorf("%s", instruction)
		}
	default:
		if !harmless.MatchString(instruction) {
			t.Errorf("%s", instruction)
		}
	}
}

// checkShell fails for a text that runs another command than those.
func checkShell(t *testing.T, text string, allowed []string) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), "")
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		if call, ok := node.(*syntax.CallExpr); ok && len(call.Args) > 0 && !slices.Contains(allowed, call.Args[0].Lit()) {
			t.Errorf("%q runs %q", text, call.Args[0].Lit())
		}
		return true
	})
}
