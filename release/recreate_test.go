package release

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"paas"
)

// watchTwins fails the test when two instances of a slot run at one time, looking at every second until halt.
func (w *world) watchTwins() (halt func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			seen := map[string]bool{}
			for _, i := range w.runtime.running() {
				slot, _, _ := strings.Cut(i, " ")
				if seen[slot] {
					w.t.Errorf("twice: %v", w.runtime.running())
				}
				seen[slot] = true
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return func() { cancel(); <-done }
}

func TestRecreateEndsTheOldBeforeTheNewStart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.checks("strategy=recreate", "stop-timeout=5"))(t)
		w.mustPush("deaf")
		must(w.Scale(context.Background(), "hello", paas.Formation{"worker": 1}, &progressLog{}))(t)
		halt := w.watchTwins()
		_, out, err := w.push("slow", hello)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out, "Stopping web.1, worker.1 before the new ones start (strategy recreate)") {
			t.Errorf("progress:\n%s", out)
		}
		if !strings.Contains(w.logs.text(), "paas[deploy]: Stopping web.1, worker.1 before the new ones start: strategy recreate") {
			t.Error(w.logs.text())
		}
		w.wantRunning("web.1 v2", "worker.1 v2")
		w.wantRouted("", "web.1")
		must(w.Restart(context.Background(), "hello", "web", &progressLog{}))(t)
		w.wantRunning("web.1 v2", "worker.1 v2")
		must(w.Stop(context.Background(), "hello", "web.1", &progressLog{}))(t)
		must(w.Restart(context.Background(), "hello", "web.1", &progressLog{}))(t)
		w.wantRunning("web.1 v2", "worker.1 v2")
		halt()
	})
}

func TestAFailedRecreateStartsTheOldAgain(t *testing.T) {
	for _, image := range []string{"crash", "mute", "crash-not-web"} {
		t.Run(image, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.create()
				must(w.checks("strategy=recreate"))(t)
				w.mustPush("img1")
				must(w.Scale(context.Background(), "hello", paas.Formation{"worker": 1}, &progressLog{}))(t)
				halt := w.watchTwins()
				_, out, err := w.push(image, hello)
				if paas.CodeOf(err) != paas.Failed || !strings.Contains(err.Error(), "; v1 was started again") {
					t.Errorf("%v\n%s", err, out)
				}
				w.wantRunning("web.1 v1", "worker.1 v1")
				w.wantRouted("", "web.1")
				if got := w.instance("web.1").spec.Image.ID; got != "img1" {
					t.Errorf("web.1 runs %s", got)
				}
				halt()
			})
		})
	}
}

func TestACanceledRecreateStartsTheOldAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.checks("strategy=recreate", "stop-timeout=20"))(t)
		w.mustPush("deaf")
		app := must(w.db.AppByName("hello"))(t)
		halt := w.watchTwins()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_, err := w.Deploy(ctx, app.ID, paas.Build{Commit: "2", Image: paas.Image{ID: "img2"}, Types: hello}, &progressLog{})
		if paas.CodeOf(err) != paas.Canceled {
			t.Error(err)
		}
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		halt()
	})
}

func TestRestartOfPaasdInTheMiddleOfTheReleaseThatBringsRecreate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("slow-deaf")
		go func() { _, _ = w.checks("strategy=recreate", "stop-timeout=3") }()
		pass(34 * time.Second) // the grace of the old one, and some seconds of the new one's boot
		w.wantRunning("web.1 v2")
		w.halt()
		w.boot()
		halt := w.watchTwins()
		pass(2 * time.Minute)
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		halt()
	})
}

func TestRestartOfPaasdInTheMiddleOfARecreate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.checks("strategy=recreate"))(t)
		w.mustPush("img1")
		go func() { _, _, _ = w.push("slow", hello) }()
		pass(3 * time.Second)
		w.wantRunning("web.1 v2")
		w.wantRouted("H20")
		w.halt()
		w.boot()
		pass(time.Minute)
		synctest.Wait()
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
	})
}
