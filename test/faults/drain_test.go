package faults

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"paas"
	"paas/test/platform"
	"paas/test/report"
)

func TestD1ALongRequestCompletes(t *testing.T) {
	suite.Both(t, "D-1", "a request of 20 s completes across a deploy", false, func(p *report.Proof) {
		a := p.Deployed(platform.Fixture{})
		load := a.Load("/", steady)
		answered := make(chan platform.Answer, 1)
		began := time.Now()
		go func() { answered <- a.Get("/sleep?for=20s") }()
		load.Flow(p, 30)
		a.Commit("Second")
		a.Push().Says("v2 is live")
		live := time.Since(began)
		load.Flow(p, 60)
		a.Get("/").Must(p, http.StatusOK, "web.1 v2")
		clean(p, load)
		(<-answered).Must(p, http.StatusOK, "web.1 v1 slept 20s")
		a.WantUp("web.1")
		p.Figure("v2 was live %.1f s before the answer of v1", (20*time.Second - live).Seconds())
	})
}

func TestD2ToldToStopOnlyAfterTheRouterConfirmed(t *testing.T) {
	p := suite.ProveAlone(t, "D-2", "an instance is told to stop only after the router has confirmed that it gets no request any more", platform.Options{})
	a := p.App(platform.Fixture{})
	a.Do("paas", "config:set", "PROBE_STOP=1s") // so that it could see a late request
	a.Push()
	a.Do("paas", "scale", "web=2")
	load, watch, gate := a.Load("/", steady), p.Watch(p), openGate(p)
	var after time.Duration
	for version := 2; version <= 4; version++ {
		old, addresses := a.Slots(), map[string]string{}
		for name, id := range old {
			addresses[id] = a.Address(name)
		}
		if version == 4 {
			gate.hold(3 * time.Second)
		}
		began := time.Now()
		a.Do("paas", "config:set", fmt.Sprintf("N=%d", version))
		for _, id := range old {
			told := watch.Await(p, "SIGTERM", platform.Signaled(id, "15")).At
			confirmed := gate.gone(addresses[id], began)
			if confirmed.IsZero() || told.Before(confirmed) {
				p.Errorf("%s was told to stop at %s, and the router confirmed at %s", id[:12], told, confirmed)
			}
			after = max(after, told.Sub(confirmed))
		}
	}
	a.WantUp("web.1", "web.2")
	clean(p, load)
	p.Figure("told at most %d ms after it, also when the router took 3 s", after.Milliseconds())
	wantInOrder(p, a)
	if log := a.Logs(); strings.Contains(log, "request after SIGTERM") {
		p.Errorf("one got a request after SIGTERM:\n%s", log)
	}
}

// wantInOrder checks the app's own events: an instance of the release before is told to stop after the routes of the next
// one were confirmed.
func wantInOrder(p *report.Proof, a *platform.App) {
	p.Helper()
	var events []paas.EventInfo // newest first
	a.JSON(&events, "paas", "events", "-n", "1000")
	routed, told := map[int]time.Time{}, 0
	for _, e := range slices.Backward(events) {
		switch e.Kind {
		case paas.Move("deploy", paas.MoveRouted):
			routed[e.Release] = e.Time
		case paas.EventInstanceStopping:
			if at, ok := routed[e.Release+1]; !ok || e.Time.Before(at) {
				p.Errorf("event %d: %s of v%d is told to stop at %s, v%d is routed at %s", e.ID, e.Instance, e.Release, e.Time, e.Release+1, at)
			}
			told++
		}
	}
	if told != 6 {
		p.Errorf("%d instances were told to stop, not 6: %+v", told, events)
	}
}

// With Traefik there is nothing between paasd and its router to hold up: the order of the events, and what the instances
// see, have to do.
func TestD2WithTraefik(t *testing.T) {
	p := suite.ProveTraefik(t, "D-2", "an instance is told to stop only after the router has confirmed that it gets no request any more", true)
	a := p.App(platform.Fixture{})
	a.Do("paas", "config:set", "PROBE_STOP=1s") // so that it could see a late request
	a.Push()
	a.Do("paas", "scale", "web=2")
	load, watch := a.Load("/", steady), p.Watch(p)
	for version := 2; version <= 4; version++ {
		old := a.Slots()
		a.Do("paas", "config:set", fmt.Sprintf("N=%d", version))
		for _, id := range old {
			watch.Await(p, "SIGTERM", platform.Signaled(id, "15"))
		}
	}
	a.WantUp("web.1", "web.2")
	clean(p, load)
	wantInOrder(p, a)
	if log := a.Logs(); strings.Contains(log, "request after SIGTERM") {
		p.Errorf("one got a request after SIGTERM:\n%s", log)
	}
}

func TestD3AWorkersOwnStopTimeout(t *testing.T) {
	p := suite.ProveAtLeisure(t, "D-3", "a worker's own stop timeout of 120 s is honoured: one that needs 35 s is not killed")
	a := p.App(platform.Fixture{Procfile: platform.TwoTypes})
	a.Do("paas", "config:set", "PROBE_STOP=35s")
	a.Do("paas", "checks:set", "stop-timeout[worker]=120")
	a.Push()
	a.Do("paas", "scale", "worker=1")
	load, watch := a.Load("/", steady), p.Watch(p)
	web, worker := a.Container("web.1"), a.Container("worker.1")
	a.Do("paas", "config:set", "A=1")
	told := watch.Await(p, "SIGTERM", platform.Signaled(worker.ID, "15"))
	clean(p, load)
	var ended time.Time
	platform.WaitFor(p, 2*time.Minute, "the end of the worker", func() error {
		for _, e := range watch.Seen(func(e platform.EngineEvent) bool { return e.ID == worker.ID && e.Action == "die" }) {
			ended = e.At
			return nil
		}
		return platform.ErrNotYet
	})
	for id, want := range map[string]int{worker.ID: 0, web.ID: 1} { // web has the default of 30 s
		if killed := watch.Seen(platform.Signaled(id, "9")); len(killed) != want {
			p.Errorf("SIGKILL was sent %d times, not %d: %+v", len(killed), want, killed)
		}
	}
	if took := ended.Sub(told.At); took < 34*time.Second {
		p.Errorf("the worker ended after %s", took)
	} else {
		p.Figure("it ended by itself after %.1f s; web, with the default of 30 s, was killed", took.Seconds())
	}
	a.WantUp("web.1", "worker.1")
}
