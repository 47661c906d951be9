package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"

	"paas"
)

func TestWhatIsKnownIsListedAndNotInspectedAgain(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a", "b")
	seen(t, d)
	seen(t, d)
	if n := engine.asked("a"); n != 2 {
		t.Errorf("without events it was inspected %d times in 2 looks", n)
	}
	heard(t, d)
	for range 3 {
		if got := seen(t, d); !got["a"].Running || !got["b"].Running {
			t.Errorf("seen %+v", got)
		}
	}
	if a, b := engine.asked("a"), engine.asked("b"); a != 3 || b != 3 {
		t.Errorf("with events: %d and %d inspections, want one more each", a, b)
	}
	if _, err := d.Instance(t.Context(), "a"); err != nil || engine.asked("a") != 4 {
		t.Errorf("one by itself is not inspected: %v", err)
	}
}

func TestAnEventHasAnInstanceInspectedAgain(t *testing.T) {
	t.Parallel()
	for _, what := range []events.Action{"start", "die", "oom", "destroy", "restart", "kill", "update", "rename", "health_status: healthy"} {
		t.Run(string(what), func(t *testing.T) {
			t.Parallel()
			d, engine := newScripted(t, "a", "b")
			told := heard(t, d)
			seen(t, d)
			// It died and runs again before anybody could list it as anything else.
			engine.become("a", again())
			engine.tell("a", what)
			engine.tell("b", events.ActionOOM)
			await(t, told, "oom", "b")
			if got := seen(t, d); !got["a"].Restarted {
				t.Errorf("seen %+v", got["a"])
			}
			if n := engine.asked("a"); n != 2 {
				t.Errorf("inspected %d times", n)
			}
		})
	}
}

func TestAnEventDuringAnInspectionMakesItsAnswerOld(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a")
	told := heard(t, d)
	open := engine.hold("a")
	var looking sync.WaitGroup
	looking.Go(func() { seen(t, d) })
	<-engine.arrived
	engine.become("a", again()) // after the engine has looked it up for the answer
	engine.tell("a", events.ActionDie)
	await(t, told, "die", "a")
	open()
	looking.Wait()
	if got := seen(t, d); !got["a"].Restarted {
		t.Errorf("seen %+v", got["a"])
	}
}

func TestAnEventBetweenListingAndLookMakesDetailsOld(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a")
	told := heard(t, d)
	seen(t, d)
	open := engine.hold("list")
	var looking sync.WaitGroup
	looking.Go(func() {
		if got := seen(t, d); !got["a"].Restarted {
			t.Errorf("seen %+v", got["a"])
		}
	})
	<-engine.arrived
	engine.become("a", again())
	engine.tell("a", events.ActionDie)
	await(t, told, "die", "a")
	open()
	looking.Wait()
}

func TestAnOldAnswerDoesNotReplaceANewerOne(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a")
	heard(t, d)
	open := engine.hold("a")
	var first sync.WaitGroup
	first.Go(func() { seen(t, d) })
	<-engine.arrived
	engine.become("a", again())
	engine.mu.Lock()
	delete(engine.gates, "a") // for those that come now
	engine.mu.Unlock()
	if got := seen(t, d); !got["a"].Restarted {
		t.Errorf("the second look saw %+v", got["a"])
	}
	open()
	first.Wait()
	if got := seen(t, d); !got["a"].Restarted {
		t.Errorf("then: %+v", got["a"])
	}
}

func TestAListingThatContradictsHasAnInstanceInspectedAgain(t *testing.T) {
	t.Parallel()
	ill := running()
	ill.Health = &container.Health{Status: container.Unhealthy}
	for name, test := range map[string]struct {
		before, after *container.State
		want          paas.Instance
	}{
		"state":     {running(), ended(3), paas.Instance{Exited: true, ExitCode: 3}},
		"exit code": {ended(1), ended(2), paas.Instance{Exited: true, ExitCode: 2}},
		"unhealthy": {running(), ill, paas.Instance{Running: true, Unhealthy: true}},
		"healthy":   {ill, running(), paas.Instance{Running: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, engine := newScripted(t, "a")
			heard(t, d)
			engine.become("a", test.before)
			seen(t, d)
			engine.become("a", test.after)
			got := seen(t, d)["a"]
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(paas.Instance{}, "ID", "App", "Addr", "StartedAt", "FinishedAt")); diff != "" {
				t.Error(diff)
			}
			seen(t, d)
			if n := engine.asked("a"); n != 2 {
				t.Errorf("inspected %d times", n)
			}
		})
	}
}

func TestWithoutAnEventStreamNothingIsKnown(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a")
	told := heard(t, d)
	seen(t, d)
	open := engine.hold("list")
	var looking sync.WaitGroup
	looking.Go(func() {
		if got := seen(t, d); !got["a"].Restarted {
			t.Errorf("seen %+v", got["a"])
		}
	})
	<-engine.arrived
	engine.become("a", again())
	engine.cut() // an engine that restarts: it tells of nothing
	await(t, told, resync, "")
	open()
	looking.Wait()
	seen(t, d)
	if n := engine.asked("a"); n != 2 {
		t.Errorf("inspected %d times, want once for each stream", n)
	}
}

func TestNothingIsKnownWhileTheStreamIsAway(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a")
	told := heard(t, d)
	seen(t, d)
	engine.refuse(true)
	engine.cut()
	eventually(t, "the end of the stream is noticed", func() bool {
		before := engine.asked("a")
		seen(t, d)
		return engine.asked("a") > before
	})
	engine.become("a", again())
	if got := seen(t, d); !got["a"].Restarted {
		t.Errorf("seen %+v", got["a"])
	}
	engine.refuse(false)
	await(t, told, resync, "")
}

func TestAnEndThatWasWaitedForIsSeenBeforeTheEngineTellsOfIt(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a")
	heard(t, d)
	seen(t, d)
	engine.become("a", again())
	exited, stop := d.exit(t.Context(), "a")
	<-exited
	stop()
	if got := seen(t, d); !got["a"].Restarted {
		t.Errorf("seen %+v", got["a"])
	}
}

func TestAnInspectionFromBeforeTheStreamIsNotKept(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a")
	open := engine.hold("a")
	var looking sync.WaitGroup
	looking.Go(func() { seen(t, d) })
	<-engine.arrived
	engine.become("a", again())
	heard(t, d)
	open()
	looking.Wait()
	if got := seen(t, d); !got["a"].Restarted {
		t.Errorf("seen %+v", got["a"])
	}
}

func TestWhatIsGoneIsForgotten(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t)
	told := heard(t, d)
	for n := range 20 {
		id := fmt.Sprint("c", n)
		engine.become(id, running())
		seen(t, d)
		engine.become(id, nil)
		engine.tell(id, events.ActionDestroy)
		await(t, told, "destroy", id)
	}
	engine.become("stays", running())
	seen(t, d)
	d.mirror.mu.Lock()
	defer d.mirror.mu.Unlock()
	if len(d.mirror.memos) != 1 {
		t.Errorf("known: %v", d.mirror.memos)
	}
}

func TestWhoWishesForAListingAtTheSameTimeSharesIt(t *testing.T) {
	t.Parallel()
	d, engine := newScripted(t, "a", "b", "c")
	open := engine.hold("list")
	var looking sync.WaitGroup
	look := func(app string) {
		looking.Go(func() {
			found, err := d.Instances(t.Context(), app)
			if err != nil || len(found) != 1 || found[0].ID != app {
				t.Errorf("%s: %+v, %v", app, found, err)
			}
		})
	}
	look("a")
	<-engine.arrived
	engine.become("late", running()) // after the listing under way, before the wishes
	for _, app := range []string{"b", "c", "late", "b", "c"} {
		look(app)
	}
	ctx, leave := context.WithCancel(t.Context())
	looking.Go(func() {
		if _, err := d.Instances(ctx, "b"); !errors.Is(err, context.Canceled) {
			t.Errorf("who has left: %v", err)
		}
	})
	leave()
	eventually(t, "all have made their wish", func() bool { return d.mirror.now() >= 8 })
	open()
	looking.Wait()
	if engine.appLists != 1 || engine.lists > 1 {
		t.Errorf("%d listings of an app and %d of all", engine.appLists, engine.lists)
	}
}

// The engine itself, in all that an instance goes through: whoever was told sees what an inspection shows.
func TestTheMirrorShowsWhatTheEngineShows(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	told := heard(t, d)
	same := func(id string) {
		t.Helper()
		i, there := seen(t, d)[id]
		fresh, err := d.Instance(t.Context(), id)
		if there == (err != nil) {
			t.Fatalf("there %v, and alone: %v", there, err)
		}
		if diff := cmp.Diff(fresh, i, cmp.Comparer(func(a, b interface{ String() string }) bool { return a == b })); there && diff != "" {
			t.Error(diff)
		}
	}
	i := start(t, d, newSpec("web", "wait"))
	await(t, told, "start", i.ID)
	same(i.ID)
	if err := d.Keep(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	waitForLine(t, d, i.ID, "ready")
	crash(t, d, i.ID)
	await(t, told, "die", i.ID)
	if got := seen(t, d)[i.ID]; !got.Exited && !got.Restarted {
		t.Errorf("killed: %+v", got)
	}
	await(t, told, "start", i.ID)
	if got := seen(t, d)[i.ID]; !got.Restarted {
		t.Errorf("restarted by the engine: %+v", got)
	}
	same(i.ID)
	if _, err := d.Stop(t.Context(), i.ID, 0); err != nil {
		t.Fatal(err)
	}
	if got := seen(t, d)[i.ID]; !got.Exited || got.Running {
		t.Errorf("stopped by us: %+v", got)
	}
	same(i.ID)
	if err := d.Remove(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	same(i.ID)
}

func TestAnInstanceThatLeavesItsNetworkHasNoAddress(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	heard(t, d)
	spec := newSpec("web", "wait")
	i := start(t, d, spec)
	if got := seen(t, d)[i.ID]; got.Addr != i.Addr {
		t.Errorf("address %s, want %s", got.Addr, i.Addr)
	}
	disconnect(t, d, spec.App, i.ID)
	if got := seen(t, d)[i.ID]; got.Addr.IsValid() {
		t.Errorf("address %s", got.Addr)
	}
}

// BenchmarkInstances looks at 100 instances, with and without the events that vouch for what is known of them.
func BenchmarkInstances(b *testing.B) {
	d := newDocker(b)
	const apps, each = 4, 25
	var starting sync.WaitGroup
	for range apps {
		spec := newSpec("web", "wait")
		starting.Go(func() {
			for range each {
				if _, err := d.Start(b.Context(), spec); err != nil {
					b.Error(err)
				}
			}
		})
	}
	starting.Wait()
	look := func(b *testing.B) {
		for b.Loop() {
			if all, err := d.Instances(b.Context(), ""); err != nil || len(all) != apps*each {
				b.Fatalf("%d instances, %v", len(all), err)
			}
		}
	}
	b.Run("inspected", look)
	heard(b, d)
	b.Run("known", look)
}
