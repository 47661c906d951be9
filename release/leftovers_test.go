package release

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"paas"
)

func TestADestroyedAppKeepsItsSubnetUntilNothingIsLeftOfIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("deaf")
		gone := must(w.db.AppByName("hello"))(t)
		if err := w.DestroyApp(context.Background(), "hello", &progressLog{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.runtime.engine(false) // in the middle of the grace
		pass(40 * time.Second)
		w.halt() // and paasd ends, too
		w.boot()
		if next := must(w.CreateApp(context.Background(), "next"))(t); next.Name != "next" {
			t.Fatal(next)
		}
		if next := must(w.db.AppByName("next"))(t); next.Subnet == gone.Subnet {
			t.Errorf("the subnet %s was given out again while its network was there", next.Subnet)
		}
		w.runtime.engine(true)
		pass(time.Minute)
		w.wantRunning()
		if left := must(w.db.GoneApps())(t); len(left) != 0 {
			t.Errorf("still there: %v", left)
		}
		w.create()
		if again := must(w.db.AppByName("hello"))(t); again.Subnet != gone.Subnet {
			t.Errorf("the subnet %s is not given out again, but %s", gone.Subnet, again.Subnet)
		}
	})
}

func TestADestructionThatFailsLeavesTheAppWhole(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		w.runtime.engine(false)
		if err := w.DestroyApp(context.Background(), "hello", &progressLog{}); paas.CodeOf(err) != paas.Unavailable {
			t.Fatal(err)
		}
		if gone := w.source.without(); len(gone) != 0 {
			t.Errorf("the repository went though the app is there: %v", gone)
		}
		w.runtime.engine(true)
		pass(time.Minute)
		if err := w.DestroyApp(context.Background(), "hello", &progressLog{}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if gone := w.source.without(); len(gone) != 1 || gone[0] != app.ID {
			t.Errorf("removed: %v", gone)
		}
	})
}

func TestTheReleaseCommandAndRunsPassOverASubnetThatTheHostUses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.runtime.taken = must(w.db.AppByName("hello"))(t).Subnet
		types := paas.ProcessTypes{{Name: "release", Command: "./hello release"}, {Name: "web", Command: "./hello"}}
		if _, out, err := w.push("img1", types); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		w.runtime.taken = must(w.db.AppByName("hello"))(t).Subnet
		must(w.CreateRun(context.Background(), "hello", paas.RunRequest{Command: []string{"true"}}))(t)
		if code, err := w.AttachRun(context.Background(), "hello", 1, paas.Stdio{Stdout: &progressLog{}}); code != 0 || err != nil {
			t.Error(code, err)
		}
	})
}
