package build

import (
	"testing"

	"paas"
)

func TestPushOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("-o", "nocache", "main").want(t, false, `push option "nocache" is not known: there are no-cache and detach`)
	c.push("-o", "$(touch x)", "-o", "a\tb", "main").want(t, false, `push option "$(touch x)" is not known`)
	c.push("-o", "no-cache", "main").want(t, true)
	if spec := w.builder.lastSpec(); !spec.NoCache {
		t.Error("the builder may use its cache")
	}
	c.commit(map[string]string{"x": "y"})
	c.push("main").want(t, true)
	if spec := w.builder.lastSpec(); spec.NoCache {
		t.Error("the option holds for the next push, too")
	}
}

func TestDetachedPushEndsWhenItsBuildIsQueued(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.git("branch", "-m", "master")
	commit := c.app()
	c.push("-o", "detach", "master").want(t, true, "remote: -----> Build 1 of "+commit[:7]+" is queued", "paas builds:log 1 -a hello", "paas builds -a hello")
	if got := w.head("hello", "master"); got != commit {
		t.Errorf("master is at %q", got)
	}
	receive(t, "the build begins", g.began)
	close(g.open)
	eventually(t, "it is deployed", func() bool { return len(w.deployer.deployed()) == 1 })
	eventually(t, "its record is final", func() bool { return w.statuses("hello")[0] == paas.BuildSucceeded })
	c.git("clone", "-q", "paas@door:hello", "copy")
	if got := c.git("-C", "copy", "rev-parse", "HEAD"); got != commit {
		t.Errorf("a clone is at %s", got)
	}
}

func TestDetachedPushThatGitRefusesBuildsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	// Somebody else holds the ref: git cannot move it.
	c.commit(map[string]string{"x": "y"})
	w.svc.opts.Reached = func(moment string) {
		if moment == "receive" {
			touch(t, w.repos.Path("idhello")+"/refs/heads/main.lock")
		}
	}
	c.push("-o", "detach", "main").want(t, false, "is queued", "remote rejected")
	eventually(t, "its record is final", func() bool { return w.statuses("hello")[1] == paas.BuildCanceled })
	if n := w.builder.count(); n != 1 {
		t.Errorf("%d builds", n)
	}
	w.svc.opts.Reached = func(string) {}
	c.push("main").want(t, true) // nobody has to remove the lock
}

func TestUnfinishedDetachedBuildEndsWithTheService(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	c.push("-o", "detach", "main").want(t, true)
	receive(t, "the build begins", g.began)
	w.svc.Close()
	if got := w.statuses("hello"); got[0] != paas.BuildFailed {
		t.Errorf("the build is %s", got[0])
	}
}
