package release

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/store"
)

// world is an engine over a real store and a fake host, in a synctest bubble where time costs nothing.
type world struct {
	source fakeSource
	*Engine
	t       *testing.T
	runtime *fakeRuntime
	router  *fakeRouter
	logs    *fakeLogs
	db      *store.DB
	dir     string
	halt    func()
	jump    atomic.Int64 // nanoseconds that the engine's wall clock is ahead
	noEnds  atomic.Bool  // the store has no space for the ends of deployments
}

func inWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, dir: dir, runtime: newFakeRuntime(), router: &fakeRouter{routes: map[string]paas.Route{}},
			logs: &fakeLogs{},
		}
		w.boot()
		defer func() { w.halt() }()
		fn(t, w)
	})
}

// boot starts paasd's engine; halt, then boot, is a restart of paasd.
func (w *world) boot() {
	w.t.Helper()
	w.db = must(store.Open(w.dir, store.Options{}))(w.t)
	w.Engine = New(Deps{Store: fullStore{w.db, &w.noEnds}, Runtime: w.runtime, Router: w.router, Repos: &w.source, Builds: &w.source, Logs: w.logs}, Options{
		Now:       func() time.Time { return time.Now().Add(time.Duration(w.jump.Load())) },
		CheckHost: func(h string) (string, error) { return h, nil },
		Room:      w.runtime.disk.room, Missing: w.runtime.disk.lacks, BuildCache: 10 * gigabyte,
	})
	w.probe = w.runtime.probe
	if err := w.Recover(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Work(ctx) }()
	w.halt = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
		w.Close()
		if err := w.db.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

var hello = paas.ProcessTypes{{Name: "web", Command: "./hello"}, {Name: "worker", Command: "./hello worker"}}

// push deploys image as a build of its own.
func (w *world) push(image string, types paas.ProcessTypes) (paas.Release, string, error) {
	w.t.Helper()
	app := must(w.db.AppByName("hello"))(w.t)
	b := must(w.db.AppendBuild(paas.Build{App: app.ID, Commit: "1a2b3c4d5e"}))(w.t)
	b.Status, b.Image, b.Types = paas.BuildSucceeded, paas.Image{ID: image}, types
	if err := w.db.UpdateBuild(b); err != nil {
		w.t.Fatal(err)
	}
	var out progressLog
	rel, err := w.Deploy(paas.WithUser(context.Background(), "ada"), app.ID, b, &out)
	return rel, out.String(), err
}

func (w *world) mustPush(image string) {
	w.t.Helper()
	if _, out, err := w.push(image, hello); err != nil {
		w.t.Fatalf("push %s: %v\n%s", image, err, out)
	}
}

func (w *world) create() {
	w.t.Helper()
	must(w.CreateApp(context.Background(), "hello"))(w.t)
}

func (w *world) set(pairs ...string) (paas.ConfigChange, error) {
	patch := paas.ConfigPatch{}
	for i := 0; i < len(pairs); i += 2 {
		patch[pairs[i]] = &pairs[i+1]
	}
	return w.SetConfig(context.Background(), "hello", patch, -1, &progressLog{})
}

// pass lets the bubble's clock go on, which takes no time.
func pass(d time.Duration) { <-time.After(d) }

// instance is the newest that runs in a slot, once what is due now has happened.
func (w *world) instance(slot string) *fakeInstance {
	synctest.Wait()
	return w.runtime.find(slot)
}

func (w *world) wantRunning(want ...string) {
	w.t.Helper()
	synctest.Wait()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, w.runtime.running()); diff != "" {
		w.t.Errorf("running: %s", diff)
	}
}

// wantRouted checks which instances get requests, and that all of them run.
func (w *world) wantRouted(down string, want ...string) {
	w.t.Helper()
	app := must(w.db.AppByName("hello"))(w.t)
	route, _ := w.router.Route(app.ID)
	var got []string
	for _, b := range route.Backends {
		got = append(got, b.Instance)
		if !w.runtime.probe(context.Background(), target{addr: b.Addr}).none() {
			w.t.Errorf("%s is routed and does not listen", b.Instance)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || route.Down != down {
		w.t.Errorf("routed, down=%q: %s", route.Down, diff)
	}
}

func (w *world) ledger() []string {
	var list []string
	for _, r := range must(w.Releases(context.Background(), "hello"))(w.t) {
		line := string(r.Status) + " " + r.Description
		if r.Current {
			line += " (current)"
		}
		list = append([]string{line}, list...)
	}
	return list
}
