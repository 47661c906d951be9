package conformance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

func TestVIII1TheFormationIsExact(t *testing.T) {
	p := prove(t, "VIII-1", "web=3 worker=1: those slots exactly; worker=0 leaves web")
	a := p.deployed(platform.Fixture{Procfile: platform.TwoTypes})
	a.Do("paas", "scale", "web=3", "worker=1")
	a.WantUp("web.1", "web.2", "web.3", "worker.1")
	if n := len(a.Containers()); n != 4 {
		p.Errorf("%d containers run", n)
	}
	before := a.Slots()
	a.Do("paas", "scale", "worker=0")
	a.WantUp("web.1", "web.2", "web.3")
	delete(before, "worker.1")
	if diff := cmp.Diff(before, a.Slots()); diff != "" {
		p.Errorf("web was touched: %s", diff)
	}
}

func TestVIII2ScalingDownStays(t *testing.T) {
	p := prove(t, "VIII-2", "web=2: web.3 goes; no release; survives deploy and rollback")
	a := p.deployed(platform.Fixture{})
	a.Do("paas", "scale", "web=3")
	before := a.Slots()
	a.Do("paas", "scale", "web=2")
	a.WantUp("web.1", "web.2")
	delete(before, "web.3")
	if diff := cmp.Diff(before, a.Slots()); diff != "" {
		p.Errorf("others were touched: %s", diff)
	}
	a.WantReleases(1, "")
	for how, move := range map[string][]string{"a deploy": {"git", "push", "paas", "main"}, "a rollback": {"paas", "rollback"}} {
		a.Commit("Again")
		a.Do("paas", "config:set", "BEFORE="+how)
		a.Do(move...)
		if up := serving(a.PS()); !slices.Equal(up, []string{"web.1", "web.2"}) {
			p.Errorf("right after %s these serve: %q", how, up)
		}
		a.WantUp("web.1", "web.2")
	}
}

// serving is every instance of the newest release that ps shows as up, by name.
func serving(p platform.Processes) (names []string) {
	newest := 0
	for _, i := range p.Instances {
		newest = max(newest, i.Release)
	}
	for _, i := range p.Instances {
		if i.State == "up" && i.Release == newest {
			names = append(names, i.Name)
		}
	}
	return names
}

func TestVIII3ATypoChangesNothing(t *testing.T) {
	p := prove(t, "VIII-3", "a typo or unknown type: non-zero, nothing changed")
	a := p.deployed(platform.Fixture{Procfile: platform.TwoTypes})
	before := a.Slots()
	for _, bad := range []struct {
		code int
		args []string
	}{
		{4, []string{"wbe=2"}},
		{4, []string{"web=2", "nosuch=1"}},
		{2, []string{"web=x"}},
		{2, []string{"web=2", "worker=-1"}},
		{2, []string{"web"}},
		{2, []string{"web=1000"}},
	} {
		a.Run(append([]string{"paas", "scale"}, bad.args...)...).Want(bad.code)
	}
	if diff := cmp.Diff(before, a.Slots()); diff != "" {
		p.Errorf("the instances changed: %s", diff)
	}
	if got := strings.Fields(a.Do("paas", "scale").Stdout); len(got) < 2 || got[0] != "web" || got[1] != "1" {
		p.Errorf("the formation is %q", got)
	}
}

func TestVIII4TheFirstFormation(t *testing.T) {
	p := prove(t, "VIII-4", "first deploy web=1; a type dropped from the Procfile stops")
	a := p.deployed(platform.Fixture{Procfile: platform.TwoTypes})
	a.WantUp("web.1")
	a.Do("paas", "scale", "worker=2")
	a.WantUp("web.1", "worker.1", "worker.2")
	a.Write("Procfile", "web: /probe web\n")
	a.Commit("No worker")
	a.Push()
	a.WantUp("web.1")
	if formation := a.PS().Formation; len(formation) != 1 || formation[0].Type != "web" {
		p.Errorf("the formation is %+v", formation)
	}
	a.Do("paas", "rollback") // quantities are remembered
	a.WantUp("web.1", "worker.1", "worker.2")
}

func TestVIII5ADaemonIsACrash(t *testing.T) {
	p := prove(t, "VIII-5", "a process that daemonises is a crash, no orphan")
	a := p.deployed(platform.Fixture{Procfile: "web: /probe web\nforker: /probe forker\n"})
	if r := a.Run("paas", "scale", "forker=1"); r.Code == 0 {
		a.crashed("forker.1")
	} else {
		r.Says("forker.1", "exited")
	}
	a.Do("paas", "scale", "forker=0")
	a.WantUp("web.1")
	if n := len(a.Containers()); n != 1 { // the child's is gone, and the child with it
		p.Errorf("%d containers run", n)
	}
}

func TestVIII6NoWebIsSaid(t *testing.T) {
	both(t, "VIII-6", "web=0: H14 page and line", func(p *proof) {
		a := p.deployed(platform.Fixture{})
		a.Do("paas", "scale", "web=0")
		answer := a.Get("/").Must(p, http.StatusServiceUnavailable)
		if code := answer.Header.Get("X-Paas-Error"); code != "H14" {
			p.Errorf("the answer's code is %q", code)
		}
		a.WantLog("router[", "at=error", "code=H14", "status=503")
		a.WantUp()
		a.Do("paas", "scale", "web=1")
		a.Get("/").Must(p, http.StatusOK, "web.1")
	})
}
