package router_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/router"
)

// told is what a controller's hook heard since it was asked last: "+app text" and "-app text".
type told struct {
	mu   sync.Mutex
	list []string
}

func (h *told) hear(p router.Problem, gone bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	sign := "+"
	if gone {
		sign = "-"
	}
	h.list = append(h.list, sign+p.App+" "+p.Text)
}

func (h *told) expect(t *testing.T, want ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if diff := cmp.Diff(want, h.list); diff != "" {
		t.Error(diff)
	}
	h.list = nil
}

func TestAProblemIsToldOnceAndWhenItIsGone(t *testing.T) {
	t.Parallel()
	dir, heard := tempDir(t), &told{}
	startRouter(t, dir)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{Problem: heard.hear})
	a, b := route("a", "H20"), route("b", "H20")
	a.Name = "ay"
	b.Hosts = append(b.Hosts, a.Hosts...)
	must(t, c.Apply(t.Context(), a))
	must(t, c.Apply(t.Context(), b))
	problem := "b host a.localhost belongs to another app, ay"
	heard.expect(t, "+"+problem)
	must(t, c.Apply(t.Context(), route("c", "H14")))
	heard.expect(t)

	c = newController(t, dir, router.NewEmbedded(dir), router.Options{Problem: heard.hear}) // a restart of paasd
	must(t, c.Apply(t.Context(), route("d", "H14")))
	heard.expect(t)
	must(t, c.Remove(t.Context(), "a"))
	heard.expect(t, "-"+problem)
}

func TestAProblemThatOnlyTheRouterSeesIsToldToo(t *testing.T) {
	t.Parallel()
	heard, target := &told{}, &fake{put: func(router.Table) error { return nil }}
	c := newController(t, tempDir(t), target, router.Options{Problem: heard.hear})
	target.problems = []router.Problem{{App: "a", Text: "a file is missing"}}
	must(t, c.Apply(t.Context(), route("a", "H20")))
	must(t, c.Apply(t.Context(), route("a", "H14")))
	heard.expect(t, "+a a file is missing")
	target.problems = []router.Problem{{App: "a", Text: "another file is missing"}}
	must(t, c.Apply(t.Context(), route("a", "H20")))
	heard.expect(t, "+a another file is missing", "-a a file is missing")
	target.put = func(router.Table) error { return paas.Errorf(paas.Invalid, "no") }
	target.problems = nil
	if err := c.Apply(t.Context(), route("a", "H14")); err == nil {
		t.Fatal("no error")
	}
	heard.expect(t) // what is live has it still
}

func TestAProblemIsToldWhileTheRouterIsAway(t *testing.T) {
	t.Parallel()
	dir, heard := tempDir(t), &told{}
	c := newController(t, dir, &fake{put: func(router.Table) error { return paas.Errorf(paas.Invalid, "no") }}, router.Options{Problem: heard.hear})
	if err := c.Apply(t.Context(), route("a", "H12")); err == nil {
		t.Fatal("no error")
	}
	heard.expect(t, `+a the code "H12" cannot stand for an app that is down`)
	if _, err := os.Stat(filepath.Join(dir, "table.json")); err != nil {
		t.Error(err)
	}
}
