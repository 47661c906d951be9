package faults

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"paas/test/platform"
)

// F-2, V-8: Docker is stopped for a minute, and all of its containers with it.
func TestDockerIsStoppedForAMinute(t *testing.T) {
	t.Parallel()
	e, p := ownEngine(t, platform.EngineOptions{})
	one := p.App(t, platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
	one.Push()
	one.Do("paas", "scale", "web=2", "worker=1")
	two := p.App(t, platform.Fixture{})
	two.Push()
	two.Do("paas", "run", "--detach", "--", "/probe", "worker")
	before := wantFleet(t, p, one.Name, "1", "web.1", "web.2", "worker.1")
	watched := watchNames(p, one.Name, two.Name)

	stopped := time.Now()
	if err := e.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("Docker took %s to stop", time.Since(stopped))
	wantAway(t, p, one)
	platform.WaitFor(t, 2*time.Minute, "the minute to be over", func() error { return passed(stopped, time.Minute) })

	back := time.Now()
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Logf("Docker answers after %s", time.Since(back))
	back = time.Now()
	one.Get("/").Must(t, 200, " v1")
	t.Logf("serves after %s", time.Since(back))
	after := wantFleet(t, p, one.Name, "1", "web.1", "web.2", "worker.1")
	wantFleet(t, p, two.Name, "1", "web.1")
	t.Logf("as desired after %s", time.Since(back))
	for slot, id := range before {
		if after[slot] == id {
			t.Errorf("%s is the container from before", slot)
		}
	}
	one.Do("paas", "ps").Says("web.1\tup\tv1", "web.2\tup\tv1", "worker.1\tup\tv1")
	two.Get("/").Must(t, 200, "web.1 v1")
	two.Do("paas", "run:list").Says("run.1\texited")
	watched.right(t, one.Name, two.Name)
	one.Do("paas", "config:set", "A=1")
	one.Get("/env?key=A").Must(t, 200, "1")
}

// F-2 where Docker is set to let containers run on: nobody who uses the apps can tell, however it ends.
func TestDockerIsStoppedWhileContainersRunOn(t *testing.T) {
	t.Parallel()
	e, p := ownEngine(t, platform.EngineOptions{LiveRestore: true})
	app := p.App(t, platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
	app.Push()
	app.Do("paas", "scale", "web=2", "worker=1")
	before := wantFleet(t, p, app.Name, "1", "web.1", "web.2", "worker.1")
	runner := p.App(t, platform.Fixture{})
	runner.Push()
	runner.Do("paas", "run", "--detach", "--", "/probe", "worker")
	load := app.Load("/", 50)
	for _, end := range []func() error{e.Stop, e.Kill} {
		stopped := time.Now()
		if err := end(); err != nil {
			t.Fatal(err)
		}
		wantAway(t, p, app)
		platform.WaitFor(t, time.Minute, "a while to be over", func() error { return passed(stopped, 12*time.Second) })
		if err := e.Start(); err != nil {
			t.Fatal(err)
		}
		platform.WaitFor(t, backWithin, "paasd to find Docker again", func() error {
			return said(app.Run("paas", "ps"), "web.1\tup\tv1", "web.2\tup\tv1", "worker.1\tup\tv1")
		})
		after := wantFleet(t, p, app.Name, "1", "web.1", "web.2", "worker.1")
		if !maps.Equal(before, after) {
			t.Errorf("other containers run than before:\n%v\n%v", before, after)
		}
		runner.Do("paas", "run:list").Says("run.1\trunning")
	}
	runner.Do("paas", "run:stop", "1")
	platform.WaitFor(t, backWithin, "the run's end to be known", func() error {
		return said(runner.Run("paas", "run:list"), "run.1\texited")
	})
	wantFleet(t, p, runner.Name, "1", "web.1")
	app.Do("paas", "config:set", "A=1")
	app.Get("/env?key=A").Must(t, 200, "1")
	load.StopClean(t)
}

// said is nil when a command succeeded and wrote each of the texts.
func said(r platform.Result, texts ...string) error {
	for _, text := range texts {
		if r.Code != 0 || !strings.Contains(r.Stdout, text) {
			return fmt.Errorf("without %q: %s", text, r)
		}
	}
	return nil
}
