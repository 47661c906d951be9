package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"paas"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each testdata/NAME.txtar is a tree; lines before its first file set what the plan depends on besides: `root public`,
// `dockerfile deploy/Dockerfile`, `image node registry.example/node:1`, `arg NAME`, `secret NAME`, `procfile`. NAME.golden is what comes of it.
func TestPlans(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("%d archives, %v", len(archives), err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := show(Make(treeOf(archive), settingsOf(t, archive)))
			golden := strings.TrimSuffix(path, ".txtar") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func treeOf(archive *txtar.Archive) fstest.MapFS {
	files := fstest.MapFS{}
	for _, f := range archive.Files {
		files[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
	}
	return files
}

func settingsOf(t *testing.T, archive *txtar.Archive) Settings {
	t.Helper()
	s := Settings{Static: "paas-test/static:1", Cache: "app1", Images: map[string]string{}}
	for line := range strings.Lines(string(archive.Comment)) {
		words := append(strings.Fields(line), "", "", "")
		switch words[0] {
		case "", "#":
		case "root":
			s.Root = words[1]
		case "dockerfile":
			s.Dockerfile = words[1]
		case "image":
			s.Images[words[1]] = words[2]
		case "arg":
			s.Args = append(s.Args, words[1])
		case "secret":
			s.Secrets = append(s.Secrets, words[1])
		case "fallback":
			s.Fallback = words[1]
		case "procfile":
			s.Procfile = true
		default:
			t.Fatalf("what is the setting %q?", line)
		}
	}
	return s
}

// show is a plan, or why there is none, as a text.
func show(p Plan, err error) string {
	if err != nil {
		return fmt.Sprintf("%s: %s\n%s\n", paas.CodeOf(err), err, paas.Advice(err))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s), %s\n", p.Language, p.Because, p.Dockerfile)
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	for _, t := range p.Types {
		fmt.Fprintf(&b, "type %s: %s\n", t.Name, t.Command)
	}
	if len(p.Ignore) > 0 {
		fmt.Fprintf(&b, "ignore: %s\n", strings.Join(p.Ignore, " "))
	}
	if p.Text != "" {
		fmt.Fprintf(&b, "\n%s", p.Text)
	}
	return b.String()
}
