package release

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestACrashIsReplacedAtOnceThenWithGrowingDelays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		synctest.Wait()
		var delays []time.Duration
		for n := range 6 {
			down := "H20" // requests wait for what comes soon
			if n == 5 {
				down = "H10"
			}
			crashed := w.instance("web.1")
			at := time.Now()
			w.runtime.exit(crashed.ID, 137)
			synctest.Wait()
			if n > 0 {
				w.wantRouted(down)
			}
			for w.instance("web.1") == nil {
				ps := must(w.Processes(context.Background(), "hello"))(t)
				if s := ps.Instances[0]; s.State != paas.InstanceCrashed || s.NextRestartAt == nil || *s.ExitCode != 137 {
					t.Fatalf("%+v", s)
				}
				pass(100 * time.Millisecond)
				synctest.Wait()
			}
			delays = append(delays, time.Since(at).Round(time.Second))
			w.wantRouted("", "web.1")
		}
		if diff := cmp.Diff([]time.Duration{0, 1e9, 2e9, 4e9, 8e9, 16e9}, delays); diff != "" {
			t.Error(diff)
		}
		must(w.set("A", "1"))(t)
		if ps := must(w.Processes(context.Background(), "hello"))(t); ps.Instances[0].Restarts != 0 {
			t.Errorf("a new release does not reset the count: %+v", ps.Instances[0])
		}
	})
}

func TestAStrayIsRemovedAndAMissingInstanceComesBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		must(w.runtime.Start(context.Background(), paas.InstanceSpec{App: app.ID, AppName: "hello", Type: "web", Name: "web.7", Release: 1}))(t)
		must(w.runtime.Start(context.Background(), paas.InstanceSpec{App: "nobody", AppName: "gone", Type: "web", Name: "web.1", Release: 1}))(t)
		if err := w.runtime.Remove(context.Background(), w.instance("web.1").ID); err != nil {
			t.Fatal(err)
		}
		pass(31 * time.Second)
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
	})
}

func TestAnOrphanThatStartsIsRemovedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		stray := must(w.runtime.Start(context.Background(), paas.InstanceSpec{App: "nobody", AppName: "gone", Type: "web", Name: "web.1", Release: 1}))(t)
		w.wantRunning("web.1 v1")
		if _, err := w.runtime.Instances(context.Background(), "nobody"); err != nil || w.runtime.instances[stray.ID] != nil {
			t.Errorf("the orphan is still there: %v", err)
		}
	})
}

func TestASickInstanceIsReplaced(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		sick := w.instance("web.1")
		w.runtime.sicken(sick)
		pass(45 * time.Second)
		w.wantRunning("web.1 v1")
		if w.instance("web.1").ID == sick.ID {
			t.Error("the sick instance is still there")
		}
		w.wantRouted("", "web.1")
	})
}

// TestRestartOfPaasd goes through what a kill at each point leaves behind.
func TestRestartOfPaasd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		before := w.instance("web.1").ID
		app := must(w.db.AppByName("hello"))(t)
		config := must(w.db.Config(app.ID, app.ConfigVersion))(t)
		pending := must(w.db.AppendRelease(paas.Release{App: app.ID, Image: paas.Image{ID: "img2"}, Types: hello, Description: "Deploy 2"}, config))(t)
		for _, slot := range []string{"web.1", "worker.1"} {
			typ, _, _ := paas.ParseInstanceName(slot)
			must(w.runtime.Start(context.Background(), paas.InstanceSpec{App: app.ID, AppName: "hello", Type: typ, Name: slot, Release: pending.Version}))(t)
		}
		w.halt()
		w.boot()
		pass(time.Minute)
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		if w.instance("web.1").ID != before {
			t.Error("the serving instance was replaced")
		}
		if diff := cmp.Diff([]string{"succeeded Deploy 1a2b3c4 (current)", "failed Deploy 2"}, w.ledger()); diff != "" {
			t.Error(diff)
		}
		detail := must(w.Release(context.Background(), "hello", 2))(t)
		if !strings.Contains(detail.Error, "paasd stopped") {
			t.Errorf("%+v", detail)
		}
	})
}

func TestAWorkerThatHasRunForItsGraceIsUpWhenPaasdStarts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.Scale(context.Background(), "hello", paas.Formation{"worker": 1}, &progressLog{}))(t)
		for _, test := range []struct {
			crash bool
			want  paas.InstanceState
		}{{false, paas.InstanceUp}, {true, paas.InstanceStarting}} {
			if test.crash {
				w.runtime.exit(w.instance("worker.1").ID, 1)
				pass(time.Second) // of the grace of the next one
			}
			w.halt()
			w.boot()
			synctest.Wait()
			if got := w.status("worker.1").State; got != test.want {
				t.Errorf("crash %v: %s", test.crash, got)
			}
		}
	})
}

func TestTheEngineAwayAndBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.runtime.engine(false)
		if _, err := w.set("A", "1"); paas.CodeOf(err) != paas.Unavailable {
			t.Error(err)
		}
		if _, err := w.Processes(context.Background(), "hello"); paas.CodeOf(err) != paas.Unavailable {
			t.Error(err)
		}
		pass(time.Minute)
		w.runtime.engine(true)
		pass(time.Minute)
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		must(w.set("A", "2"))(t)
		w.wantRunning("web.1 v3")
	})
}

func TestTheRouterAway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.router.answer(false)
		_, err := w.set("A", "1")
		if paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), "v2 is released") {
			t.Error(err)
		}
		w.wantRunning("web.1 v1", "web.1 v2")
		w.wantRouted("", "web.1")
		w.router.answer(true)
		pass(time.Minute)
		w.wantRunning("web.1 v2")
		w.wantRouted("", "web.1")
	})
}

func TestACrashThatTheEngineWasQuickerWithKeepsItsStatus(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		for range 2 {
			revived := w.instance("web.1")
			w.runtime.revive(revived.ID, 3)
			if w.instance("web.1") == nil { // from the second crash on it is held back
				pass(backoff(2))
			}
		}
		w.wantRunning("web.1 v1")
		if c, ok := w.memory.crash(must(w.db.AppByName("hello"))(t).ID, "web.1"); !ok || c.Count != 2 || c.ExitCode != 3 || c.Reason != "exited with status 3" {
			t.Errorf("%+v", c)
		}
	})
}

func TestAReleaseIsNotHeldBackByTheCrashesOfTheOneBefore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		for range 6 {
			w.runtime.exit(w.instance("web.1").ID, 1)
			for w.instance("web.1") == nil {
				pass(time.Second)
			}
		}
		w.runtime.exit(w.instance("web.1").ID, 1)
		synctest.Wait()
		w.wantRouted("H10")
		began := time.Now()
		w.mustPush("img2")
		if took := time.Since(began); took > time.Second {
			t.Errorf("the release took %s", took)
		}
		w.wantRunning("web.1 v2")
		w.wantRouted("", "web.1")
	})
}
