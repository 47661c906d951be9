package release

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// jumps are how far the host's wall clock is off, of a sudden: set back, and set forward.
var jumps = []time.Duration{-time.Hour, 24 * time.Hour}

// afterJump runs a test for each jump. The engine's clock, wall and monotonic, follows when jump is called.
func afterJump(t *testing.T, fn func(t *testing.T, w *world, jump func())) {
	t.Helper()
	for _, by := range jumps {
		t.Run(by.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) { fn(t, w, func() { w.jump.Store(int64(by)) }) })
		})
	}
}

func TestARestartThatIsHeldBackComesThoughTheClockJumps(t *testing.T) {
	afterJump(t, func(t *testing.T, w *world, jump func()) {
		w.create()
		w.mustPush("img1")
		for range 5 {
			for w.instance("web.1") == nil {
				pass(time.Second)
			}
			w.runtime.exit(w.instance("web.1").ID, 1)
		}
		synctest.Wait()
		w.wantRunning()
		jump()
		pass(w.Timings.Sweep + backoff(5) + time.Second)
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		next := w.status("web.1").NextRestartAt
		if next != nil && next.Sub(w.Now()) > backoff(5) {
			t.Errorf("its next restart is said to be at %s, and now is %s", next, w.Now())
		}
	})
}

// status of an instance as users see it.
func (w *world) status(name string) paas.InstanceStatus {
	w.t.Helper()
	for _, i := range must(w.Processes(context.Background(), "hello"))(w.t).Instances {
		if i.Name == name {
			return i
		}
	}
	w.t.Fatalf("no %s", name)
	return paas.InstanceStatus{}
}

func TestNothingThatRunsIsTouchedWhenTheClockJumps(t *testing.T) {
	afterJump(t, func(t *testing.T, w *world, jump func()) {
		w.create()
		w.mustPush("img1")
		before := w.instance("web.1").ID
		jump()
		pass(30 * time.Minute)
		if after := w.instance("web.1").ID; after != before {
			t.Errorf("%s was replaced by %s", before, after)
		}
		w.wantRouted("", "web.1")
	})
}

func TestReleasesAreInTheOrderOfTheirVersionsThoughTheClockJumps(t *testing.T) {
	afterJump(t, func(t *testing.T, w *world, jump func()) {
		w.create()
		w.mustPush("img1")
		w.mustPush("img2")
		jump()
		w.mustPush("img3")
		w.jump.Store(0)
		w.mustPush("img4")
		if _, err := w.Rollback(context.Background(), "hello", 0, &progressLog{}); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"succeeded Deploy 1a2b3c4", "succeeded Deploy 1a2b3c4", "succeeded Deploy 1a2b3c4", "succeeded Deploy 1a2b3c4", "succeeded Rollback to v3 (current)",
		}
		if diff := cmp.Diff(want, w.ledger()); diff != "" {
			t.Error(diff)
		}
		if err := w.db.VerifyReleases(must(w.db.AppByName("hello"))(t).ID); err != nil {
			t.Error(err)
		}
	})
}

func TestImagesWithinTheRetentionStayThoughTheClockJumps(t *testing.T) {
	afterJump(t, func(t *testing.T, w *world, jump func()) {
		w.create()
		for n := range keepReleases + 3 {
			w.mustPush(fmt.Sprintf("img%02d", n+1))
		}
		jump()
		w.mustPush("last")
		synctest.Wait()
		if n := len(w.runtime.images); n != keepReleases+4 {
			t.Errorf("%d images are left of %d that are within a month of their releases", n, keepReleases+4)
		}
	})
}

func TestEventsAreNumberedInTheirOrderThoughTheClockJumps(t *testing.T) {
	afterJump(t, func(t *testing.T, w *world, jump func()) {
		w.create()
		w.mustPush("img1")
		jump()
		w.mustPush("img2")
		events := must(w.Events(context.Background(), paas.EventQuery{App: "hello", Limit: 1000}))(t)
		for n := range events[1:] {
			if events[n].ID <= events[n+1].ID {
				t.Errorf("event %d comes before event %d", events[n].ID, events[n+1].ID)
			}
		}
		if newest := events[0]; !newest.Time.Equal(w.Now().UTC()) {
			t.Errorf("the newest is %+v", newest)
		}
	})
}

func TestRunsOfAnEarlierPaasdAreEndedThoughTheClockWasSetBack(t *testing.T) {
	afterJump(t, func(t *testing.T, w *world, jump func()) {
		ctx := context.Background()
		w.create()
		w.mustPush("img1")
		must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"never", "attached"}}))(t)
		detached := must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"x"}, Detach: true}))(t)
		ended := w.runtime.find(detached.Name).spec // of a run whose record has ended
		ended.Name = "run.9"
		must(w.runtime.Start(ctx, ended))(t)
		w.halt()
		jump()
		w.boot()
		w.wantRunning("run.2 v1", "web.1 v1")
		if lost := must(w.Run(ctx, "hello", 1))(t); lost.Status != paas.RunFailed || lost.Error != interrupted {
			t.Errorf("the run whose client went: %+v", lost)
		}
		w.runtime.exit(w.instance(detached.Name).ID, 7)
		synctest.Wait()
		if last := must(w.Run(ctx, "hello", 2))(t); last.Status != paas.RunExited || *last.ExitCode != 7 {
			t.Errorf("the detached run: %+v", last)
		}
	})
}
