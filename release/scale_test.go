package release

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestScaleTouchesOnlyWhatItAddsOrRemoves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		first := w.instance("web.1").ID
		ps := must(w.Scale(context.Background(), "hello", paas.Formation{"web": 3, "worker": 1}, &progressLog{}))(t)
		if len(ps.Instances) != 4 || ps.Formation[0].Quantity != 3 {
			t.Errorf("%+v", ps)
		}
		w.wantRouted("", "web.1", "web.2", "web.3")
		must(w.Scale(context.Background(), "hello", paas.Formation{"web": 1}, &progressLog{}))(t)
		w.wantRunning("web.1 v1", "worker.1 v1")
		w.wantRouted("", "web.1")
		if w.instance("web.1").ID != first {
			t.Error("web.1 was replaced")
		}
		must(w.Scale(context.Background(), "hello", paas.Formation{"web": 0}, &progressLog{}))(t)
		w.wantRunning("worker.1 v1")
		w.wantRouted("H14")
		if n := len(w.ledger()); n != 1 {
			t.Errorf("%d releases", n)
		}
	})
}

func TestQuantitiesComeBackWithTheirType(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.Scale(context.Background(), "hello", paas.Formation{"worker": 2}, &progressLog{}))(t)
		if _, _, err := w.push("img2", hello[:1]); err != nil {
			t.Fatal(err)
		}
		w.wantRunning("web.1 v2")
		w.mustPush("img3")
		w.wantRunning("web.1 v3", "worker.1 v3", "worker.2 v3")
	})
}

func TestScaleRefusesWhatIsNotThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		_, err := w.Scale(context.Background(), "hello", paas.Formation{"web": 2}, &progressLog{})
		if paas.CodeOf(err) != paas.Conflict {
			t.Errorf("before a release: %v", err)
		}
		w.mustPush("img1")
		for typ, n := range map[string]int{"nosuch": 1, "web": -1, "worker": 1000, "release": 1} {
			if _, err := w.Scale(context.Background(), "hello", paas.Formation{typ: n}, &progressLog{}); err == nil {
				t.Errorf("%s=%d", typ, n)
			}
		}
		w.wantRunning("web.1 v1")
	})
}

func TestRestartAndStop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		w.mustPush("img1")
		must(w.Scale(ctx, "hello", paas.Formation{"web": 2, "worker": 1}, &progressLog{}))(t)
		one, two := w.instance("web.1").ID, w.instance("web.2").ID
		must(w.Restart(ctx, "hello", "web.2", &progressLog{}))(t)
		if w.instance("web.1").ID != one || w.instance("web.2").ID == two {
			t.Error("restart of web.2 did not replace exactly web.2")
		}
		must(w.Stop(ctx, "hello", "worker", &progressLog{}))(t)
		w.wantRunning("web.1 v1", "web.2 v1")
		ps := must(w.Processes(ctx, "hello"))(t)
		if last := ps.Instances[2]; last.Name != "worker.1" || last.State != paas.InstanceDown {
			t.Errorf("%+v", last)
		}
		must(w.Restart(ctx, "hello", "", &progressLog{}))(t)
		w.wantRunning("web.1 v1", "web.2 v1", "worker.1 v1")
		if w.instance("web.1").ID == one {
			t.Error("restart of all left web.1")
		}
		if _, err := w.Restart(ctx, "hello", "nosuch", &progressLog{}); paas.CodeOf(err) != paas.NotFound {
			t.Error(err)
		}
	})
}

func TestDestroyWaitsForRequests(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.Scale(context.Background(), "hello", paas.Formation{"worker": 1}, &progressLog{}))(t)
		w.router.busy = 25 * time.Second
		if err := w.DestroyApp(context.Background(), "hello", &progressLog{}); err != nil {
			t.Fatal(err)
		}
		crashed := w.instance("worker.1").ID
		w.runtime.exit(crashed, 1)
		pass(20 * time.Second)
		w.wantRunning("web.1 v1", "worker.1 v1") // by the engine's restart policy
		if id := w.instance("worker.1").ID; id != crashed {
			t.Errorf("a crash in a destroyed app was replaced, by %s", id)
		}
		pass(6 * time.Second)
		w.wantRunning()
	})
}

func TestDestroyLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		if err := w.DestroyApp(context.Background(), "hello", &progressLog{}); err != nil {
			t.Fatal(err)
		}
		w.wantRunning()
		if len(w.router.routes) != 0 {
			t.Error("the route is left")
		}
		w.create()
		w.wantRouted("H81")
	})
}

func TestRenameReplacesInstancesAndMovesTheHost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		id := must(w.db.AppByName("hello"))(t).ID
		info := must(w.RenameApp(context.Background(), "hello", "hullo", &progressLog{}))(t)
		if info.URL != "http://hullo.localhost/" || info.State != paas.AppUp {
			t.Errorf("%+v", info)
		}
		route, _ := w.router.Route(id)
		if diff := cmp.Diff([]string{"hullo.localhost"}, route.Hosts); diff != "" || len(route.Backends) != 1 {
			t.Error(diff, route)
		}
		w.wantRunning("web.1 v1")
	})
}

func TestTheQueueIsBoundedAndCancelable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		release := make(chan struct{})
		app := must(w.db.AppByName("hello"))(t)
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = w.lanes.do(context.Background(), app.ID, "long work", &progressLog{}, func() error { <-release; return nil })
		})
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		var out progressLog
		for range maxQueued {
			wg.Go(func() {
				if _, err := w.Scale(ctx, "hello", paas.Formation{"web": 1}, &out); paas.CodeOf(err) != paas.Canceled {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if !strings.Contains(out.String(), "Waiting for the long work") {
			t.Errorf("progress: %s", &out)
		}
		if _, err := w.Scale(ctx, "hello", paas.Formation{"web": 1}, &out); paas.CodeOf(err) != paas.RateLimited {
			t.Error(err)
		}
		cancel()
		synctest.Wait()
		close(release)
		wg.Wait()
		w.wantRunning("web.1 v1")
	})
}
