package build

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"paas"
)

func (w *world) create(req paas.BuildRequest) (paas.BuildResult, error) {
	w.t.Helper()
	return w.svc.CreateBuild(paas.WithUser(w.t.Context(), "ada"), "hello", req, io.Discard)
}

func TestACommitIsBuiltAgain(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	first := c.app()
	c.push("main").want(t, true)
	second := c.commit(map[string]string{"x": "y"})
	c.push("main").want(t, true)
	got, err := w.create(paas.BuildRequest{NoCache: true})
	if err != nil || got.Commit != second || got.Source != paas.BuildOfCommit || got.Release != 3 || got.ID != 3 {
		t.Errorf("the newest: %+v, %v", got, err)
	}
	if specs := w.builder.specs; !specs[len(specs)-1].NoCache || specs[0].NoCache {
		t.Error("the cache was used, or not before")
	}
	got, err = w.create(paas.BuildRequest{Commit: first[:8]})
	if err != nil || got.Commit != first {
		t.Errorf("the first: %+v, %v", got, err)
	}
	if head := w.head("hello", "main"); head != second {
		t.Errorf("main is at %s", head)
	}
}

func TestWhatCannotBeBuiltAgainIsSaid(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.create(paas.BuildRequest{}); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "nothing was pushed yet") {
		t.Errorf("before a push: %v", err)
	}
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	blob := c.git("rev-parse", "HEAD:Dockerfile")
	for _, commit := range []string{"abcdef", blob, "HEAD", "main", "--help", "-x", "$(id)", "a b", strings.Repeat("a", 65), "refs/heads/main", "1234^{tree}"} {
		if _, err := w.create(paas.BuildRequest{Commit: commit}); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("%q: %v", commit, err)
		}
	}
	if n := len(w.statuses("hello")); n != 1 {
		t.Errorf("%d builds are recorded", n)
	}
}

func TestADetachedBuildGoesOnWithoutItsClient(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	g := newGate()
	w.builder.plays(g.hold)
	ctx, leave := context.WithCancel(t.Context())
	got, err := w.svc.CreateBuild(ctx, "hello", paas.BuildRequest{Detach: true}, io.Discard)
	if err != nil || got.ID != 2 || got.Status != paas.BuildPending {
		t.Fatalf("got %+v, %v", got, err)
	}
	leave()
	receive(t, "the build begins", g.began)
	close(g.open)
	eventually(t, "it is deployed", func() bool { return len(w.deployer.deployed()) == 2 })
}

func TestABuildEndsWithItsClientAndWithItsApp(t *testing.T) { // F-6
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	g := newGate()
	w.builder.plays(g.hold)
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := w.svc.CreateBuild(ctx, "hello", paas.BuildRequest{}, io.Discard)
		ended <- err
	}()
	receive(t, "the build begins", g.began)
	leave()
	if err := receive(t, "it ends", ended); paas.CodeOf(err) != paas.Canceled {
		t.Errorf("got %v", err)
	}
	if _, err := w.svc.CreateBuild(t.Context(), "hello", paas.BuildRequest{Detach: true}, io.Discard); err != nil {
		t.Fatal(err)
	}
	receive(t, "the next begins", g.began)
	end, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := w.svc.EndBuilds(end, "idhello"); err != nil {
		t.Fatal(err)
	}
	if got := w.statuses("hello"); got[1] != paas.BuildCanceled || got[2] != paas.BuildCanceled {
		t.Errorf("the builds are %v", got)
	}
}

func TestAnImageThatWasMadeElsewhereIsDeployed(t *testing.T) {
	w := newWorld(t, Options{})
	var got paas.Build
	w.deployer.plays(func(_ context.Context, b paas.Build, _ io.Writer) error {
		got = b
		return nil
	})
	result, err := w.create(paas.BuildRequest{Image: "example.com/app:1", Procfile: "web: serve\nworker: work\n"})
	if err != nil || result.Source != paas.BuildOfImage || result.Reference != "example.com/app:1" || result.Commit != "" {
		t.Errorf("got %+v, %v", result, err)
	}
	if got.What() != "example.com/app:1" || len(got.Types) != 2 || len(got.Bases) != 1 || got.Image.ID != imageID {
		t.Errorf("deployed %+v", got)
	}
	for name, req := range map[string]paas.BuildRequest{
		"a bad Procfile": {Image: "x", Procfile: "web"}, "a commit": {Image: "x", Commit: "abcd"}, "the cache": {Image: "x", NoCache: true},
	} {
		if _, err := w.create(req); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
