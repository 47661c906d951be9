package faults

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"paas/test/platform"
)

// F-2, V-8: Docker is stopped for a minute, and all of its containers with it.
func TestF2DockerIsStoppedForAMinute(t *testing.T) {
	e, p := ownEngine(t, false, "F-2", "Docker and all instances are down for 60 s: the API says 503; back within 30 s, each instance fresh, no duplicates", platform.EngineOptions{})
	one := p.App(platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
	one.Push()
	one.Do("paas", "scale", "web=2", "worker=1")
	two := p.App(platform.Fixture{Procfile: "web: /probe deaf\n"}) // Docker waits for it while the others have ended
	two.Do("paas", "checks:set", "stop-timeout=1")
	two.Push()
	two.Do("paas", "run", "--detach", "--", "/probe", "worker")
	before := wantFleet(t, p.Platform, one.Name, "1", "web.1", "web.2", "worker.1")
	watched := watchNames(p.Platform, one.Name, two.Name)

	stopped := time.Now()
	if err := e.Stop(); err != nil {
		p.Fatal(err)
	}
	wantAway(t, p.Platform, one)
	platform.WaitFor(t, 2*time.Minute, "the minute to be over", func() error { return passed(stopped, time.Minute) })

	if err := e.Start(); err != nil {
		p.Fatal(err)
	}
	back := time.Now()
	one.Get("/").Must(t, 200, " v1")
	served := time.Since(back)
	after := wantFleet(t, p.Platform, one.Name, "1", "web.1", "web.2", "worker.1")
	wantFleet(t, p.Platform, two.Name, "1", "web.1")
	p.Figure("served %d ms after Docker answered again, as desired after %.1f s", served.Milliseconds(), time.Since(back).Seconds())
	for slot, id := range before {
		if after[slot] == id {
			p.Errorf("%s is the container from before", slot)
		}
	}
	one.Do("paas", "ps").Says("web.1\tup\tv1", "web.2\tup\tv1", "worker.1\tup\tv1")
	two.Get("/").Must(t, 200, "web.1 v1")
	two.Do("paas", "run:list").Says("run.1\texited")
	wantTicks(t, one, 3) // the first container, started again by Docker, and the fresh one

	if err := e.Kill(); err != nil { // its containers run on until it is back, and then it ends them
		p.Fatal(err)
	}
	two.Get("/").Must(t, 200, "web.1 v1")
	one.Get("/").Must(t, 200, " v1")
	if err := e.Start(); err != nil {
		p.Fatal(err)
	}
	wantFleet(t, p.Platform, one.Name, "1", "web.1", "web.2", "worker.1")
	wantFleet(t, p.Platform, two.Name, "1", "web.1")
	watched.right(t, one.Name, two.Name)
	one.Do("paas", "config:set", "A=1")
	one.Get("/env?key=A").Must(t, 200, "1")
}

// F-2 where Docker is set to let containers run on: nobody who uses the apps can tell, however it ends.
func TestF2DockerIsStoppedWhileContainersRunOn(t *testing.T) {
	e, p := ownEngine(t, true, "F-2", "Docker stops, then is killed, with live-restore: apps are served, paasd finds Docker again", platform.EngineOptions{LiveRestore: true})
	app := p.App(platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
	app.Push()
	app.Do("paas", "scale", "web=2", "worker=1")
	before := wantFleet(t, p.Platform, app.Name, "1", "web.1", "web.2", "worker.1")
	runner := p.App(platform.Fixture{})
	runner.Push()
	runner.Do("paas", "run", "--detach", "--", "/probe", "worker")
	load := app.Load("/", steady)
	for _, end := range []func() error{e.Stop, e.Kill} {
		stopped := time.Now()
		if err := end(); err != nil {
			p.Fatal(err)
		}
		wantAway(t, p.Platform, app)
		platform.WaitFor(t, time.Minute, "a while to be over", func() error { return passed(stopped, 12*time.Second) })
		if err := e.Start(); err != nil {
			p.Fatal(err)
		}
		platform.WaitFor(t, backWithin, "paasd to find Docker again", func() error {
			return said(app.Run("paas", "ps"), "web.1\tup\tv1", "web.2\tup\tv1", "worker.1\tup\tv1")
		})
		after := wantFleet(t, p.Platform, app.Name, "1", "web.1", "web.2", "worker.1")
		if !maps.Equal(before, after) {
			p.Errorf("other containers run than before:\n%v\n%v", before, after)
		}
		runner.Do("paas", "run:list").Says("run.1\trunning")
	}
	runner.Do("paas", "run:stop", "1")
	platform.WaitFor(t, backWithin, "the run's end to be known", func() error {
		return said(runner.Run("paas", "run:list"), "run.1\texited")
	})
	wantFleet(t, p.Platform, runner.Name, "1", "web.1")
	app.Do("paas", "config:set", "A=1")
	app.Get("/env?key=A").Must(t, 200, "1")
	clean(p, load)
}

// wantTicks waits for the log of a worker to show so many lives, no line of one missing or there twice.
func wantTicks(t *testing.T, app *platform.App, lives int) {
	t.Helper()
	platform.WaitFor(t, backWithin, "the log of each life of the worker", func() error {
		log := app.Do("paas", "logs", "-n", "1000", "--process", "worker.1", "--source", "app").Stdout
		seen := map[int]int{} // lives that ticked so often; they overlap
		for line := range strings.Lines(log) {
			_, text, _ := strings.Cut(line, "worker tick ")
			if tick, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
				seen[tick]++
			}
		}
		for tick := range seen {
			if seen[tick] > lives || tick > 1 && seen[tick] > seen[tick-1] {
				return fmt.Errorf("tick %d is there %d times, the one before %d times:\n%s", tick, seen[tick], seen[tick-1], log)
			}
		}
		if seen[1] != lives {
			return fmt.Errorf("%d lives, not %d:\n%s", seen[1], lives, log)
		}
		return nil
	})
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
