package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

// failing pushes what must not deploy.
func (a *app) failing(message string) platform.Result {
	a.proof.Helper()
	a.Commit(message)
	r := a.Run("git", "push", "paas", "main")
	if r.Code == 0 {
		a.proof.Fatalf("the push succeeds\n%s", r)
	}
	return r
}

func TestZ3AnExitAtBootFailsAtOnce(t *testing.T) {
	p := prove(t, "Z-3", "a release that exits at boot fails in < 5 s with exit code and last lines")
	a := p.deployed(platform.Fixture{})
	a.Write("Procfile", brokenAtBoot)
	a.failing("Broken at boot").Says("web.1", "status 3", "exiting with 3")
	if failed := a.release(2); failed.Status != "failed" || !strings.Contains(failed.Error, "status 3") {
		p.Errorf("v2 is %+v", failed)
	}
	if took, start := a.took(2), a.took(1); took > start+5 { // a start alone takes its time on a busy machine
		p.Errorf("it failed after %.1f s, where v1 was up after %.1f s", took, start)
	}
	a.Get("/").Must(p, http.StatusOK, "web.1 v1")
}

// took is how long a release's deployment took, in seconds.
func (a *app) took(version int) (seconds float64) {
	a.proof.Helper()
	for _, phase := range a.release(version).Phases {
		seconds += phase.Seconds
	}
	return seconds
}

func TestZ4AllOrNothing(t *testing.T) {
	p := prove(t, "Z-4", "web=4 and one of the four fails: all or nothing")
	a := p.deployed(platform.Fixture{
		Dockerfile: "FROM debian:bookworm-slim\nCOPY probe /probe\nEXPOSE 5000\n", Procfile: "web: /probe web\n",
	})
	a.Do("paas", "scale", "web=4")
	before := a.slots()
	load := a.Load("/", 20)
	a.Write("Procfile", "web: test $PAAS_INSTANCE != web.3 && /probe web\n")
	a.failing("Three of four").Says("web.3", "status 1")
	load.StopClean(p)
	a.wantUp("web.1", "web.2", "web.3", "web.4")
	if diff := cmp.Diff(before, a.slots()); diff != "" {
		p.Errorf("the instances changed: %s", diff)
	}
}

func TestZ7AFailedReleaseChangesNothing(t *testing.T) {
	p := prove(t, "Z-7", "after a failed deploy config:set, run, scale and restart use the current release's image, config, types")
	a := p.deployed(platform.Fixture{Dockerfile: withCode, Procfile: twoTypes, Files: map[string]string{"code": "good"}})
	a.Write("code", "bad")
	a.Write("Procfile", "web: /probe exit 3\nclock: /probe clock\n")
	a.failing("Bad")
	load := a.Load("/read?path=/code", 20)
	good := func(after string) {
		if code := a.Get("/read?path=/code").Must(p, http.StatusOK).Body; code != "good" {
			p.Errorf("after %s the code is %q", after, code)
		}
	}
	a.Do("paas", "config:set", "A=1")
	good("config:set")
	if got := a.Do("paas", "run", "--", "/probe", "env", "A").Says("v3").Stdout; got != "1" {
		p.Errorf("a run has A=%q", got)
	}
	a.Do("paas", "scale", "web=2", "worker=1")
	a.Run("paas", "scale", "clock=1").Want(4)
	good("scale")
	a.Do("paas", "restart")
	good("restart")
	load.StopClean(p)
	a.wantUp("web.1", "web.2", "worker.1")
	first, third := a.release(1), a.release(3)
	if third.Image != first.Image || !cmp.Equal(third.ProcessTypes, first.ProcessTypes) || strings.Contains(a.logs(), "app[web.1]: bad") {
		p.Errorf("v3 is %+v, v1 %+v", third, first)
	}
}

func TestZ8AllTypesMoveTogether(t *testing.T) {
	p := prove(t, "Z-8", "web fine and worker crashing at boot: all stays old, nothing new is left")
	a := p.deployed(platform.Fixture{Procfile: twoTypes})
	a.Do("paas", "scale", "web=2", "worker=1")
	before := a.slots()
	load := a.Load("/", 20)
	a.Write("Procfile", "web: /probe web\nworker: /probe exit 4\n")
	a.failing("Worker broken").Says("worker.1", "status 4")
	load.StopClean(p)
	a.wantUp("web.1", "web.2", "worker.1")
	if diff := cmp.Diff(before, a.slots()); diff != "" {
		p.Errorf("the instances changed: %s", diff)
	}
}

func TestZ9ScalingTouchesOnlyTheDifference(t *testing.T) {
	p := prove(t, "Z-9", "web 2→4→2: the first two instances are never touched, no request fails")
	a := p.deployed(platform.Fixture{})
	a.Do("paas", "scale", "web=2")
	before := a.slots()
	load := a.Load("/", 50)
	a.Do("paas", "scale", "web=4")
	a.wantUp("web.1", "web.2", "web.3", "web.4")
	a.Do("paas", "scale", "web=2")
	a.wantUp("web.1", "web.2")
	load.StopClean(p)
	if diff := cmp.Diff(before, a.slots()); diff != "" {
		p.Errorf("the first two were touched: %s", diff)
	}
	a.wantReleases(1, "")
}

func TestZ10AnUnknownHostIsNobodys(t *testing.T) {
	p := prove(t, "Z-10", "a host name that no app has: 404, never the first app's page")
	a := p.deployed(platform.Fixture{})
	for _, host := range []string{"nobody.localhost", "localhost", "127.0.0.1", "example.com", a.Name + ".example.com", "x." + a.Name + ".localhost"} {
		answer := p.request(http.MethodGet, a.URL("/"), "", "Host", host).Must(p, http.StatusNotFound)
		if strings.Contains(answer.Body, "web.1") {
			p.Errorf("%s answers with an app's page: %s", host, answer.Body)
		}
	}
	a.Do("paas", "domains:add", "www.example.org")
	p.request(http.MethodGet, a.URL("/"), "", "Host", "www.example.org").Must(p, http.StatusOK, "web.1")
	a.Do("paas", "domains:remove", "www.example.org")
	p.request(http.MethodGet, a.URL("/"), "", "Host", "www.example.org").Must(p, http.StatusNotFound)
	a.Do("paas", "destroy", "--confirm", a.Name)
	a.Get("/").Must(p, http.StatusNotFound)
}
