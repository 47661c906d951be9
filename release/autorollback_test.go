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

// crash ends the instance of a slot n times, each time as soon as it runs again.
func (w *world) crash(slot string, n int) {
	w.t.Helper()
	for range n {
		for w.instance(slot) == nil {
			pass(100 * time.Millisecond)
		}
		w.runtime.exit(w.instance(slot).ID, 1)
		synctest.Wait()
	}
}

func (w *world) check(pairs ...string) {
	w.t.Helper()
	patch := paas.ChecksPatch{}
	for i := 0; i < len(pairs); i += 2 {
		patch[pairs[i]] = &pairs[i+1]
	}
	must(w.SetChecks(context.Background(), "hello", patch, &progressLog{}))(w.t)
}

// autoRollback is a world with v1 of img1, v2 that turns auto-rollback on, and v3 of img2.
func autoRollback(t *testing.T, fn func(t *testing.T, w *world)) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.check("auto-rollback", "on")
		w.mustPush("img2")
		fn(t, w)
	})
}

func TestAReleaseThatCrashLoopsInItsFirstMinutesRollsBackIfAsked(t *testing.T) {
	autoRollback(t, func(t *testing.T, w *world) {
		w.crash("web.1", 3)
		pass(10 * time.Second)
		want := []string{
			"succeeded Deploy 1a2b3c4", "succeeded Set auto-rollback checks", "succeeded Deploy 1a2b3c4", "succeeded Rollback to v2 (current)",
		}
		if diff := cmp.Diff(want, w.ledger()); diff != "" {
			t.Error(diff)
		}
		releases := must(w.Releases(context.Background(), "hello"))(t)
		if releases[0].User != paas.PlatformUser || releases[0].Image != "img1" {
			t.Errorf("%+v", releases[0])
		}
		w.wantRunning("web.1 v4")
		w.wantRouted("", "web.1")
		if text := w.logs.text(); !strings.Contains(text, "v3 crash-loops: exited with status 1; going back to v2") {
			t.Error(text)
		}
		// What the platform went back to by itself it keeps, however that fares.
		w.crash("web.1", 5)
		pass(time.Minute)
		if got := w.ledger(); len(got) != 4 {
			t.Errorf("it went on: %v", got)
		}
	})
}

func TestALaterCrashLoopDoesNotRollBack(t *testing.T) {
	autoRollback(t, func(t *testing.T, w *world) {
		pass(firstMinutes + time.Second)
		w.crash("web.1", 4)
		pass(time.Minute)
		if got := w.ledger(); len(got) != 3 {
			t.Errorf("it rolled back: %v", got)
		}
	})
}

func TestWithoutTheSettingNothingRollsBackByItself(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.mustPush("img2")
		w.crash("web.1", 5)
		pass(time.Minute)
		if got := w.ledger(); len(got) != 2 {
			t.Errorf("it rolled back: %v", got)
		}
	})
}

func TestAnAutomaticRollbackThatCannotBeIsTriedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img-gone")
		w.check("auto-rollback", "on")
		w.mustPush("img2")
		w.crash("web.1", 5)
		pass(time.Minute)
		if got := w.ledger(); len(got) != 3 {
			t.Errorf("%v", got)
		}
		w.wantRunning("web.1 v3")
	})
}

func TestMaxSurgeBoundsWhatBootsTogether(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.check("max-surge", "2")
		done := make(chan error, 1)
		began := time.Now()
		go func() {
			_, err := w.Scale(context.Background(), "hello", paas.Formation{"worker": 5}, &progressLog{})
			done <- err
		}()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		// A worker is up after its grace of 2 s: five of them, two at a time, take three turns.
		if took := time.Since(began).Round(time.Second); took != 6*time.Second {
			t.Errorf("five workers took %s", took)
		}
	})
}
