package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"paas/test/platform"
	"paas/test/report"
)

func TestZ1TwentyDeploysInARow(t *testing.T) {
	p := suite.Prove(t, "Z-1", "20 pushes in a row, web=2: no error, no old answer after the first second of only new ones")
	const deploys = 20
	a := p.Deployed(platform.Fixture{})
	a.Do("paas", "scale", "web=2")
	load := a.Load("/", steady)
	for range deploys {
		a.Commit("Again")
		a.Push()
	}
	load.Flow(p, 100)
	traffic := clean(p, load)
	var mixed time.Duration
	for version := 2; version <= 1+deploys; version++ {
		mixed = max(mixed, mixing(p, traffic, version))
	}
	p.Figure("old and new answers side by side for at most %d ms", mixed.Milliseconds())
	a.WantUp("web.1", "web.2")
	if n := len(a.Releases()); n != 1+deploys {
		p.Errorf("there are %d releases", n)
	}
}

// mixing is how long requests still got older releases after one had got that version. It fails the proof when one does
// a second after the others have stopped.
func mixing(p *report.Proof, traffic platform.Traffic, version int) (mixed time.Duration) {
	p.Helper()
	var first, last time.Time
	for _, e := range traffic.Asked() {
		switch served := releaseOf(e.Body); {
		case served >= version && first.IsZero():
			first, last = e.Asked, e.Asked
		case served < version && !first.IsZero():
			if e.Asked.Sub(last) > time.Second {
				p.Errorf("%s after it was gone, v%d answers again: %q", e.Asked.Sub(last), served, e.Body)
			}
			last = e.Asked
		}
	}
	if first.IsZero() {
		p.Errorf("v%d has never answered", version)
	}
	return last.Sub(first)
}

// releaseOf reads "web.1 v7".
func releaseOf(body string) (version int) {
	_, after, _ := strings.Cut(body, " v")
	if _, err := fmt.Sscan(after, &version); err != nil {
		return 0
	}
	return version
}

func TestZ2NoRequestBeforeItListens(t *testing.T) {
	suite.Both(t, "Z-2", "a release that needs 8 s to listen gets no request before", true, func(p *report.Proof) {
		a := p.App(platform.Fixture{})
		a.Do("paas", "config:set", "PROBE_BOOT=8s")
		a.Push()
		load, watch := a.Load("/", steady), p.Watch(p)
		a.Write("Procfile", "web: /probe slowboot\n")
		a.Commit("Slow to boot")
		pushed := make(chan platform.Result, 1)
		go func() { pushed <- a.Run("git", "push", "paas", "main") }()
		started := watch.Await(p, "the start of v2", func(e platform.EngineEvent) bool {
			return e.Action == "start" && e.App == a.Name && e.Release == "2"
		})
		address := a.Inspect(started.ID, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
		var routed time.Time
		platform.WaitFor(p, platform.Patience, "v2 in the routes", func() error {
			table, err := os.ReadFile(filepath.Join(p.DataDir(), "router", "table.json"))
			if err == nil && !strings.Contains(string(table), `"`+address+":") {
				err = platform.ErrNotYet
			}
			routed = time.Now()
			return err
		})
		(<-pushed).Want(0)
		load.Flow(p, 60)
		traffic := clean(p, load)
		_, stamp, _ := strings.Cut(a.WantLog("booted at "), "booted at ")
		booted, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(stamp))
		p.OK(err)
		if boot := booted.Sub(started.At); boot < 7*time.Second { // Docker says some time after it that it has started
			p.Fatalf("it boots in %s", boot)
		}
		first := traffic.First("web.1 v2")
		if routed.Before(booted) || first.Before(booted) {
			p.Errorf("it listens at %s, is routed at %s and answers from %s on", booted, routed, first)
		}
		p.Figure("first request %d ms after it listened", first.Sub(booted).Milliseconds())
	})
}

func TestZ3AnExitAtBootFailsAtOnce(t *testing.T) {
	p := suite.Prove(t, "Z-3", "a release that exits at boot fails in < 5 s with exit code and last lines; out of memory is named")
	a := p.Deployed(platform.Fixture{})
	load := a.Load("/", steady)
	a.Write("Procfile", platform.BrokenAtBoot)
	a.Fails("Broken at boot").Says("web.1", "status 3", "exiting with 3")
	failed := a.Release(2)
	if failed.Status != "failed" || !strings.Contains(failed.Error, "status 3") {
		p.Errorf("v2 is %+v", failed)
	}
	if took, start := failed.Took(), a.Release(1).Took(); took > start+5 { // a start alone takes its time on a busy machine
		p.Errorf("it failed after %.1f s, where v1 was up after %.1f s", took, start)
	}
	p.Figure("failed after %.1f s", failed.Took())

	watch := p.Watch(p)
	a.Write("Procfile", "web: /probe hoard\n")
	a.Commit("Takes too much memory")
	pushed := make(chan platform.Result, 1)
	go func() { pushed <- a.Run("git", "push", "paas", "main") }()
	booting := watch.Await(p, "the start of v3", func(e platform.EngineEvent) bool {
		return e.Action == "start" && e.App == a.Name && e.Release == "3"
	})
	p.Engine("update", "--memory", "32m", "--memory-swap", "32m", booting.ID)
	if r := (<-pushed).Says("web.1 was killed at boot: out of memory", "waiting for a memory limit"); r.Code == 0 {
		p.Errorf("the push succeeds\n%s", r)
	}
	if failed := a.Release(3); failed.Status != "failed" || !strings.Contains(failed.Error, "out of memory") {
		p.Errorf("v3 is %+v", failed)
	}
	clean(p, load)
	a.WantUp("web.1")
	a.Get("/").Must(p, http.StatusOK, "web.1 v1")
}
