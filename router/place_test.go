package router_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/router"
)

// kept is where the content of files is kept for good.
type kept map[string]string

func (k kept) add(content string) (name string) {
	name = paas.FileName([]byte(content))
	k[name] = content
	return name
}

func (k kept) file(app, name string) ([]byte, error) {
	if content, ok := k[name]; ok && app == "a" {
		return []byte(content), nil
	}
	return nil, paas.Errorf(paas.NotFound, "%s has no %s", app, name)
}

func withPage(file string) paas.Route {
	r := route("a", "H14")
	r.Pages.Unavailable = file
	return r
}

func expectFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "files"))
	must(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestFilesAreThereBeforeTheTableThatNamesThemAndGoWhenNoneDoes(t *testing.T) {
	t.Parallel()
	dir, content, heard := tempDir(t), kept{}, &told{}
	startRouter(t, dir)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{File: content.file, Problem: heard.hear})
	one, two, three := content.add("<p>1"), content.add("<p>2"), content.add("<p>3")
	must(t, c.Apply(t.Context(), withPage(one)))
	expectFiles(t, dir, one)
	must(t, c.Apply(t.Context(), withPage(two)))
	expectFiles(t, dir, one, two) // one is in the table kept from before
	must(t, c.Apply(t.Context(), withPage(three)))
	expectFiles(t, dir, two, three)
	must(t, c.Remove(t.Context(), "a"))
	expectFiles(t, dir, three)
	must(t, c.Apply(t.Context(), route("b", "H14")))
	expectFiles(t, dir)
	heard.expect(t)
}

func TestFilesThatAreMissingAtTheStartArePutAgain(t *testing.T) {
	t.Parallel()
	dir, content, heard := tempDir(t), kept{}, &told{}
	file := content.add("<p>sorry")
	c := newController(t, dir, router.None{}, router.Options{File: content.file})
	must(t, c.Apply(t.Context(), withPage(file)))
	must(t, os.Remove(filepath.Join(dir, "files", file)))
	must(t, os.WriteFile(filepath.Join(dir, "files", "tmp-123"), nil, 0o600)) // a kill left it

	startRouter(t, dir)
	c = newController(t, dir, router.NewEmbedded(dir), router.Options{File: content.file, Problem: heard.hear})
	background(t, c.Run)
	eventually(t, "file", func() bool {
		_, err := router.FilesIn(dir).Get(file)
		_, left := os.Stat(filepath.Join(dir, "files", "tmp-123"))
		return err == nil && os.IsNotExist(left)
	})
	must(t, c.Apply(t.Context(), withPage(file)))
	heard.expect(t)
}

func TestAFileThatIsKeptNowhereIsToldAsAProblem(t *testing.T) {
	t.Parallel()
	dir, content, heard := tempDir(t), kept{}, &told{}
	startRouter(t, dir)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{File: content.file, Problem: heard.hear})
	file := paas.FileName([]byte("<p>lost"))
	must(t, c.Apply(t.Context(), withPage(file)))
	problem := "a its page for 503, for which the router's own stands in: the router has no file " + file
	heard.expect(t, "+"+problem)
	content.add("<p>lost")
	must(t, c.Apply(t.Context(), route("b", "H14")))
	heard.expect(t, "-"+problem)
}
