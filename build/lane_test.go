package build

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// held begins a push of c's branch main whose build stays at the gate.
func (w *world) held(c *checkout, g *gate, args ...string) <-chan pushed {
	w.t.Helper()
	done := c.pushing(append([]string{"main"}, args...)...)
	receive(w.t, "the build begins", g.began)
	return done
}

// queued begins a push that waits as build id.
func (w *world) queued(c *checkout, id int, args ...string) <-chan pushed {
	w.t.Helper()
	done := c.pushing(append([]string{"main"}, args...)...)
	eventually(w.t, "the push is queued", func() bool {
		w.svc.queue.mu.Lock()
		defer w.svc.queue.mu.Unlock()
		return len(w.statuses("hello")) == id && slices.ContainsFunc(w.svc.queue.waiting, func(t *ticket) bool { return t.app == "idhello" })
	})
	return done
}

func TestPushWaitsForTheOneBeforeAndBuildsUponIt(t *testing.T) { // V-11
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	first := c.app()
	one := w.held(c, g)
	second := c.commit(map[string]string{"more": "x"})
	two := w.queued(c, 2)
	close(g.open)
	receive(t, "the first push ends", one).want(t, true)
	receive(t, "the second push ends", two).want(t, true, "remote: -----> Waiting: 1 build ahead of yours")
	if diff := cmp.Diff([]string{first, second}, w.deployer.deployed()); diff != "" {
		t.Error(diff)
	}
	if got := w.head("hello", "main"); got != second {
		t.Errorf("main is at %s, want %s", got, second)
	}
	c.commit(map[string]string{"more": "y"})
	c.push("main").want(t, true)
}

func TestQueuedPushGoesOnAfterAFailedOne(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(func(ctx context.Context, spec paas.ImageSpec, ev func(paas.BuildEvent)) error {
		if err := g.hold(ctx, spec, ev); err != nil || spec.Build == 2 {
			return err
		}
		return paas.Errorf(paas.Failed, "no")
	})
	c := w.checkout("hello")
	c.app()
	one := w.held(c, g)
	second := c.commit(map[string]string{"more": "x"})
	two := w.queued(c, 2)
	close(g.open)
	receive(t, "the first push ends", one).want(t, false)
	receive(t, "the second push ends", two).want(t, true)
	if got := w.head("hello", "main"); got != second {
		t.Errorf("main is at %s, want %s", got, second)
	}
}

func TestNewerPushSupersedesAQueuedOne(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	one := w.held(c, g)
	c.commit(map[string]string{"more": "x"})
	two := w.queued(c, 2)
	third := c.commit(map[string]string{"more": "y"})
	three := w.queued(c, 3)
	receive(t, "the queued push ends", two).want(t, false, " !     a newer push took the place of this one")
	close(g.open)
	receive(t, "the first push ends", one).want(t, true)
	receive(t, "the newest push ends", three).want(t, true, "1 build ahead of yours")
	want := []paas.BuildStatus{paas.BuildSucceeded, paas.BuildSuperseded, paas.BuildSucceeded}
	if diff := cmp.Diff(want, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
	if got := w.head("hello", "main"); got != third {
		t.Errorf("main is at %s, want %s", got, third)
	}
}

func TestQueuedPushThatDoesNotBuildUponTheOneBeforeIsRefused(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c, other := w.checkout("hello"), w.checkout("hello")
	first := c.app()
	one := w.held(c, g)
	other.commit(map[string]string{"Dockerfile": "FROM other\n"})
	two := w.queued(other, 2)
	close(g.open)
	receive(t, "the first push ends", one).want(t, true)
	receive(t, "the second push ends", two).want(t, false, "main moved while this push waited", "git pull --rebase paas main")
	if diff := cmp.Diff([]string{first}, w.deployer.deployed()); diff != "" {
		t.Error(diff)
	}
}

func TestSameCommitPushedTwiceAtOnceIsDeployedOnce(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	commit := c.app()
	one := w.held(c, g)
	two := w.queued(c, 2)
	close(g.open)
	receive(t, "the first push ends", one).want(t, true)
	receive(t, "the second push ends", two).want(t, false, "another push deployed "+commit[:7]+" while this one waited")
	if diff := cmp.Diff([]string{commit}, w.deployer.deployed()); diff != "" {
		t.Error(diff)
	}
}

func TestAppsBuildAtTheSameTime(t *testing.T) { // Z-6
	w := newWorld(t, Options{})
	w.addApp("other")
	g := newGate()
	w.builder.plays(g.hold)
	c, other := w.checkout("hello"), w.checkout("other")
	c.app()
	other.app()
	one := w.held(c, g)
	two := w.held(other, g)
	close(g.open)
	receive(t, "one ends", one).want(t, true)
	receive(t, "the other ends", two).want(t, true)
}

func TestSlowDeploymentHoldsNoBuilder(t *testing.T) {
	w := newWorld(t, Options{MaxBuilds: 1})
	w.addApp("other")
	deploying, open := make(chan struct{}), make(chan struct{})
	w.deployer.plays(func(_ context.Context, b paas.Build, _ io.Writer) error {
		if b.App == "idhello" {
			close(deploying)
			<-open
		}
		return nil
	})
	c, other := w.checkout("hello"), w.checkout("other")
	c.app()
	other.app()
	one := c.pushing("main")
	receive(t, "the deployment begins", deploying)
	other.push("main").want(t, true)
	close(open)
	receive(t, "the slow one ends", one).want(t, true)
}

func TestPusherWhoHangsUpCancelsTheBuildAndFreesTheQueue(t *testing.T) { // F-6
	w := newWorld(t, Options{MaxBuilds: 1})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	done := w.held(c, g)
	gone := time.Now()
	w.hangUp()
	receive(t, "the push ends", done).want(t, false)
	eventually(t, "the build is canceled", func() bool {
		return slices.Equal(w.statuses("hello"), []paas.BuildStatus{paas.BuildCanceled})
	})
	if took := time.Since(gone); took > 5*time.Second {
		t.Errorf("canceled after %s", took)
	}
	close(g.open)
	c.push("main").want(t, true)
	if strings.Contains(c.push("main").text, "Waiting") {
		t.Error("the queue is not free")
	}
}

func TestPusherWhoIsSilentlyGoneIsNoticed(t *testing.T) {
	w := newWorld(t, Options{})
	w.builder.plays(func(ctx context.Context, _ paas.ImageSpec, events func(paas.BuildEvent)) error {
		events(paas.BuildEvent{Step: "a", Name: "[1/1] RUN yes"})
		for ctx.Err() == nil {
			events(paas.BuildEvent{Step: "a", Output: []byte("y\n")})
		}
		return ctx.Err()
	})
	c := w.checkout("hello")
	c.app()
	done := c.pushing("main")
	eventually(t, "the build begins", func() bool { return w.builder.count() == 1 })
	w.closeSessions()
	receive(t, "the client ends", done).want(t, false)
	eventually(t, "the build is canceled", func() bool { return w.statuses("hello")[0] == paas.BuildCanceled })
}

func TestPusherWhoHangsUpInTheQueueLeavesIt(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	one := w.held(c, g)
	kept := w.sessionsNow()
	c.commit(map[string]string{"more": "x"})
	two := w.queued(c, 2)
	w.hangUpBut(kept)
	receive(t, "the queued push ends", two).want(t, false)
	eventually(t, "the build is canceled", func() bool { return w.statuses("hello")[1] == paas.BuildCanceled })
	close(g.open)
	receive(t, "the first push ends", one).want(t, true)
}

func TestPusherWhoHangsUpInTheDeploymentDoesNotUndoIt(t *testing.T) {
	w := newWorld(t, Options{})
	deploying, open := make(chan struct{}), make(chan struct{})
	w.deployer.plays(func(ctx context.Context, _ paas.Build, progress io.Writer) error {
		close(deploying)
		<-open
		_, err := io.WriteString(progress, strings.Repeat("nobody reads this\n", 10_000))
		return errors.Join(err, ctx.Err())
	})
	c := w.checkout("hello")
	commit := c.app()
	done := c.pushing("main")
	receive(t, "the deployment begins", deploying)
	w.hangUp()
	receive(t, "the client ends", done).want(t, false)
	close(open)
	eventually(t, "the branch shows what runs", func() bool { return w.head("hello", "main") == commit })
}

func TestStoppingPaasdEndsADeployment(t *testing.T) {
	w := newWorld(t, Options{})
	deploying := make(chan struct{})
	w.deployer.plays(func(ctx context.Context, _ paas.Build, _ io.Writer) error {
		close(deploying)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	c := w.checkout("hello")
	c.app()
	done := c.pushing("main")
	receive(t, "the deployment begins", deploying)
	w.svc.Close()
	receive(t, "the push ends", done).want(t, false, "paasd is stopping")
	if got := w.head("hello", "main"); got != "" {
		t.Errorf("main is at %s", got)
	}
}

func TestCanceledBuildRejectsItsPush(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	done := w.held(c, g)
	info, err := w.svc.CancelBuild(paas.WithUser(t.Context(), "bob"), "hello", 1)
	if err != nil || info.Status != paas.BuildCanceled {
		t.Errorf("got %+v, %v", info, err)
	}
	receive(t, "the push ends", done).want(t, false, " !     build 1 was canceled by bob")
	if _, err := w.svc.CancelBuild(t.Context(), "hello", 1); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("a second time: %v", err)
	}
	if _, err := w.svc.CancelBuild(t.Context(), "hello", 2); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("of no build: %v", err)
	}
}

func TestStoppingPaasdEndsPushesAndTakesNoNewOnes(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	done := w.held(c, g)
	w.svc.Close()
	receive(t, "the push ends", done).want(t, false)
	if diff := cmp.Diff([]paas.BuildStatus{paas.BuildFailed}, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
	c.push("main").want(t, false, "paasd is stopping")
}

func TestBranchThatGitDidNotMoveOnIsPutBack(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	first := c.app()
	c.push("main").want(t, true)
	second := c.commit(map[string]string{"more": "x"})
	c.push("main").want(t, true)
	o, err := w.repos.objects("idhello", nil)
	if err != nil {
		t.Fatal(err)
	}
	notArrived := objectID(strings.Repeat("3", 40)) // what git was to move it to
	p := &push{work: &work{app: paas.App{ID: "idhello"}}, moved: &update{old: objectID(second), new: notArrived, ref: "main"}}
	for _, setBack := range []string{first, none} {
		if err := o.moveBranch(t.Context(), "main", objectID(setBack), objectID(second)); err != nil {
			t.Fatal(err)
		}
		if err := w.svc.landed(p); err != nil {
			t.Fatal(err)
		}
		if got := w.head("hello", "main"); got != second {
			t.Errorf("set back to %s: main is at %q, want %s", setBack, got, second)
		}
	}
}
