package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sourceOf pushes the tree of c and returns what the builder got.
func (w *world) sourceOf(c *checkout) (files map[string]string, seen string) {
	w.t.Helper()
	p := c.push("main")
	p.want(w.t, true)
	files, _ = w.builder.source()
	return files, p.text
}

func TestBuilderGetsTheCommitAndNothingElse(t *testing.T) { // I-3
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.link(map[string]string{"link": "../../etc/passwd"})
	c.commit(map[string]string{
		"Dockerfile": "FROM scratch\n", "a/b/c": "deep", "new\nline": "n", "-rf": "dash", "$(id)": "sub", "ünï": "u", "sp ace": "s", "*": "star",
		strings.Repeat("long/", 40) + "name": "l",
	})
	if err := os.WriteFile(filepath.Join(c.dir, "a/b/c"), []byte("dirty"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "untracked"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	files, _ := w.sourceOf(c)
	for name := range files {
		if strings.HasSuffix(name, "/") {
			delete(files, name)
		}
	}
	want := map[string]string{
		"Dockerfile": "FROM scratch\n", "a/b/c": "deep", "new\nline": "n", "-rf": "dash", "$(id)": "sub", "ünï": "u", "sp ace": "s", "*": "star",
		strings.Repeat("long/", 40) + "name": "l", "link": "-> ../../etc/passwd",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
}

func TestModesAreThoseOfACheckout(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "run.sh": "#!/bin/sh\n", "dir/x": ""})
	c.git("update-index", "--chmod=+x", "run.sh")
	c.git("commit", "-q", "-m", "mode")
	w.sourceOf(c)
	_, modes := w.builder.source()
	want := map[string]int64{"Dockerfile": 0o644, "run.sh": 0o755, "dir/": 0o755, "dir/x": 0o644}
	if diff := cmp.Diff(want, modes); diff != "" {
		t.Error(diff)
	}
}

func TestDockerignoreKeepsFilesOut(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{
			name:  "patterns",
			files: map[string]string{".dockerignore": "# c\nnode_modules\n*.log\n!keep.log\n/secret\n**/*.tmp\n"},
			want:  []string{".dockerignore", "Dockerfile", "a/", "a/deep.log", "a/x", "keep.log"},
		},
		{
			name:  "everything but a directory; the Dockerfile is handed over apart",
			files: map[string]string{".dockerignore": "*\n!a\n"},
			want:  []string{"a/", "a/b.tmp", "a/deep.log", "a/x"},
		},
		{
			name:  "a file for the Dockerfile takes its place",
			files: map[string]string{".dockerignore": "a\n", "Dockerfile.dockerignore": "*.log\n**/node_modules\n\ufeffx\nsecret\n"},
			want:  []string{".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "a/", "a/b.tmp", "a/deep.log", "a/x"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.checkout("hello")
			c.commit(map[string]string{
				"Dockerfile": "FROM scratch\n", "node_modules/m/x": "", "top.log": "", "keep.log": "", "secret": "", "a/x": "", "a/b.tmp": "", "a/deep.log": "",
			})
			c.commit(tc.files)
			files, _ := w.sourceOf(c)
			if diff := cmp.Diff(tc.want, names(files)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAttributesLeaveNothingOut(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.commit(map[string]string{
		".gitattributes": "Dockerfile export-ignore\ntests export-ignore\n*.txt export-subst\n*.bin filter=lfs diff=lfs -text\n",
		"Dockerfile":     "FROM scratch\n", "tests/x": "t", "v.txt": "$Format:%H$\n", "x.bin": "bin",
	})
	files, _ := w.sourceOf(c)
	delete(files, ".gitattributes")
	want := map[string]string{"Dockerfile": "FROM scratch\n", "tests/": "", "tests/x": "t", "v.txt": "$Format:%H$\n", "x.bin": "bin"}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
}

func TestSubmodulesAndLFSPointersAreNamed(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	pointer := lfsMagic + "oid sha256:" + strings.Repeat("a", 64) + "\nsize 12345\n"
	commit := c.commit(map[string]string{
		"Dockerfile": "FROM scratch\n", "video.mp4": pointer, "not\nnice.mp4": pointer, "long.txt": pointer + strings.Repeat("x", maxLFS),
		".gitmodules": "[submodule \"lib\"]\n\tpath = vendor/lib\n\turl = https://example.com/lib.git\n",
	})
	c.git("update-index", "--add", "--cacheinfo", "160000,"+commit+",vendor/lib")
	c.git("commit", "-q", "-m", "submodule")
	files, seen := w.sourceOf(c)
	for _, want := range []string{
		"remote:        Submodules are not fetched: vendor/lib",
		`remote:        Git LFS files are not fetched, only their pointers are there: "not\nnice.mp4", video.mp4`,
	} {
		if !strings.Contains(seen, want) {
			t.Errorf("the pusher did not see %q, but:\n%s", want, seen)
		}
	}
	if files["video.mp4"] != pointer {
		t.Errorf("the pointer arrived as %q", files["video.mp4"])
	}
}

func TestLargeFilesStreamThrough(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	big := strings.Repeat("0123456789abcdef", 4<<16) // 4 MB
	c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "big": big})
	files, _ := w.sourceOf(c)
	if files["big"] != big {
		t.Errorf("%d bytes arrived of %d", len(files["big"]), len(big))
	}
}
