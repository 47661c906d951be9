package build

import (
	"path/filepath"
	"testing"
)

func TestAppThatVanishesMeanwhileIsToldSo(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	done := c.pushing("main")
	receive(t, "the build begins", g.began)
	w.records.drop("idhello")
	if err := w.svc.EndBuilds(t.Context(), "idhello"); err != nil {
		t.Fatal(err)
	}
	receive(t, "the push ends", done).want(t, false)
	if !exists(w.repos.Path("idhello")) {
		t.Error("the repository is gone before the app is")
	}
	if err := w.svc.RemoveApp(t.Context(), "idhello"); err != nil {
		t.Fatal(err)
	}
	if got := w.deployer.deployed(); got != nil {
		t.Errorf("deployed %v", got)
	}
	if exists(w.repos.Path("idhello")) || exists(filepath.Join(w.svc.opts.Dir, "idhello")) {
		t.Error("the repository or the build logs are still there")
	}
}
