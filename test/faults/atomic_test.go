package faults

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

func TestZ4AllOrNothing(t *testing.T) {
	p := suite.Prove(t, "Z-4", "web=4 and one of the four fails: all or nothing")
	a := p.Deployed(platform.Fixture{Dockerfile: platform.ShellDockerfile})
	a.Do("paas", "scale", "web=4")
	before := a.Slots()
	load := a.Load("/", steady)
	a.Write("Procfile", "web: test $PAAS_INSTANCE != web.3 && /probe web\n")
	a.Fails("Three of four").Says("web.3", "status 1")
	for _, e := range clean(p, load).Answers {
		if releaseOf(e.Body) != 1 {
			p.Fatalf("%q answers", e.Body)
		}
	}
	p.Figure("failed after %.1f s", a.Release(2).Took())
	a.WantUp("web.1", "web.2", "web.3", "web.4")
	if diff := cmp.Diff(before, a.Slots()); diff != "" {
		p.Errorf("the instances changed: %s", diff)
	}
}

func TestZ7AFailedReleaseChangesNothing(t *testing.T) {
	p := suite.Prove(t, "Z-7", "after a failed deploy config:set, run, scale and restart use the current release's image, config, types")
	a := p.Deployed(platform.Fixture{
		Dockerfile: platform.CodeDockerfile, Procfile: platform.TwoTypes, Files: map[string]string{"code": "good"},
	})
	load := a.Load("/read?path=/code", steady)
	a.Write("code", "bad")
	a.Write("Procfile", "web: /probe exit 3\nclock: /probe clock\n")
	a.Fails("Bad")
	a.Do("paas", "config:set", "A=1")
	if got := a.Do("paas", "run", "--", "/probe", "env", "A").Says("v3").Stdout; got != "1" {
		p.Errorf("a run has A=%q", got)
	}
	a.Do("paas", "scale", "web=2", "worker=1")
	a.Run("paas", "scale", "clock=1").Want(4)
	a.Do("paas", "restart")
	load.Flow(p, 60)
	for _, e := range clean(p, load).Answers {
		if e.Body != "good" {
			p.Fatalf("at %s the code is %q", e.Asked, e.Body)
		}
	}
	a.WantUp("web.1", "web.2", "worker.1")
	first, third := a.Release(1), a.Release(3)
	if third.Image != first.Image || !cmp.Equal(third.ProcessTypes, first.ProcessTypes) {
		p.Errorf("v3 is %+v, v1 %+v", third, first)
	}
}

func TestZ8AllTypesMoveTogether(t *testing.T) {
	p := suite.Prove(t, "Z-8", "web fine and worker crashing at boot: all stays old, nothing new is left")
	a := p.Deployed(platform.Fixture{Procfile: platform.TwoTypes})
	a.Do("paas", "scale", "web=2", "worker=1")
	before := a.Slots()
	load := a.Load("/", steady)
	a.Write("Procfile", "web: /probe web\nworker: /probe exit 4\n")
	a.Fails("Worker broken").Says("worker.1", "status 4")
	for _, e := range clean(p, load).Answers {
		if releaseOf(e.Body) != 1 {
			p.Fatalf("%q answers", e.Body)
		}
	}
	p.Figure("failed after %.1f s", a.Release(2).Took())
	a.WantUp("web.1", "web.2", "worker.1")
	if diff := cmp.Diff(before, a.Slots()); diff != "" {
		p.Errorf("the instances changed: %s", diff)
	}
}

func TestZ9ScalingTouchesOnlyTheDifference(t *testing.T) {
	p := suite.Prove(t, "Z-9", "web 2→4→2: the first two instances are never touched")
	a := p.Deployed(platform.Fixture{})
	a.Do("paas", "scale", "web=2")
	before := a.Slots()
	load := a.Load("/", steady)
	a.Do("paas", "scale", "web=4")
	load.Flow(p, 60)
	a.WantUp("web.1", "web.2", "web.3", "web.4")
	a.Do("paas", "scale", "web=2")
	a.WantUp("web.1", "web.2")
	served := map[string]bool{}
	for _, e := range clean(p, load).Answers {
		served[e.Body] = true
	}
	if len(served) != 4 {
		p.Errorf("these served: %v", served)
	}
	if diff := cmp.Diff(before, a.Slots()); diff != "" {
		p.Errorf("the first two were touched: %s", diff)
	}
	for _, name := range []string{"web.1", "web.2"} {
		if log := a.Logs("--process", name); strings.Contains(log, "SIGTERM") {
			p.Errorf("%s was told to stop:\n%s", name, log)
		}
	}
	a.WantReleases(1, "")
	a.Get("/").Must(p, http.StatusOK, " v1")
}
