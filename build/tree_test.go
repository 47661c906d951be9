package build

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"paas"
)

// treeOf opens the tree of c's newest commit, once it was pushed.
func (w *world) treeOf(c *checkout, commit string) *tree {
	w.t.Helper()
	o, err := w.repos.objects("idhello", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	files, err := openTree(w.t.Context(), o, objectID(commit))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := files.close(); err != nil {
			w.t.Error(err)
		}
	})
	return files
}

func TestACommitIsAFileSystem(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "a/b/c": "deep", "a/empty": "", "new\nline": "n", "-rf": "dash"})
	c.link(map[string]string{"link": "../../etc/passwd"})
	commit := c.commit(nil)
	c.push("main").want(t, true)
	files := w.treeOf(c, commit)
	if err := fstest.TestFS(files.regular(), "Dockerfile", "a/b/c", "a/empty", "-rf", "new\nline"); err != nil {
		t.Error(err)
	}
	info, err := fs.Stat(files, "link")
	if err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is %v, %v", info, err)
	}
	for _, name := range []string{"no", "a/no", "a/b/c/d", "link/passwd", "../x", "/etc/passwd"} {
		if _, err := files.Open(name); err == nil {
			t.Errorf("%s opens", name)
		}
	}
}

// regular hides the root's links, which fstest takes for dangling ones.
func (t *tree) regular() fs.FS {
	entries := t.folders[t.root]
	for i, e := range entries {
		if e.mode == modeLink {
			t.folders[t.root] = append(entries[:i:i], entries[i+1:]...)
		}
	}
	return t
}

func TestATreeIsOfACommit(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	o, err := w.repos.objects("idhello", nil)
	if err != nil {
		t.Fatal(err)
	}
	blob := c.git("rev-parse", "HEAD:Dockerfile")
	if _, err := openTree(t.Context(), o, objectID(blob)); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("a blob: %v", err)
	}
	if _, err := openTree(t.Context(), o, objectID("1234567890123456789012345678901234567890")); err == nil {
		t.Error("what is not there opens")
	}
}
