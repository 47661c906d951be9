package router_test

import (
	"testing"

	"paas/router"
)

func TestFilesThatNoTableNamesGoWhenPaasdStarts(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	c := newController(t, dir, router.None{}, router.Options{})
	var names []string
	for _, text := range []string{"first", "second", "never named"} {
		name, err := c.PutFile([]byte(text))
		must(t, err)
		names = append(names, name)
	}
	r := route("a", "H14")
	for _, named := range []string{names[0], names[1]} { // the first only in the table before
		r.Certificates = []string{named}
		must(t, c.Apply(t.Context(), r))
	}
	newController(t, dir, router.None{}, router.Options{})
	for i, want := range []bool{true, true, false} {
		if _, err := router.FilesIn(dir).Get(names[i]); (err == nil) != want {
			t.Errorf("file %d: %v", i, err)
		}
	}
	r.Certificates = nil
	must(t, c.Apply(t.Context(), r))
	newController(t, dir, router.None{}, router.Options{})
	if _, err := router.FilesIn(dir).Get(names[0]); err == nil {
		t.Error("it is still there")
	}
}
