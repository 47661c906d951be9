package faults

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paas/test/platform"
	"paas/test/report"
)

func TestZ10AnUnknownHostIsNobodys(t *testing.T) {
	p := suite.Prove(t, "Z-10", "a host name that no app has: 404, never the first app's page")
	a := p.Deployed(platform.Fixture{})
	load := a.Load("/", steady)
	for _, host := range []string{"nobody.localhost", "localhost", "127.0.0.1", "example.com", a.Name + ".example.com", "x." + a.Name + ".localhost"} {
		answer := p.Request(p, http.MethodGet, a.URL("/"), "", "Host", host).Must(p, http.StatusNotFound)
		if strings.Contains(answer.Body, "web.1") {
			p.Errorf("%s answers with an app's page: %s", host, answer.Body)
		}
	}
	a.Do("paas", "domains:add", "www.example.org")
	p.Request(p, http.MethodGet, a.URL("/"), "", "Host", "www.example.org").Must(p, http.StatusOK, "web.1")
	a.Do("paas", "domains:remove", "www.example.org")
	p.Request(p, http.MethodGet, a.URL("/"), "", "Host", "www.example.org").Must(p, http.StatusNotFound)
	clean(p, load)
	a.Do("paas", "destroy", "--confirm", a.Name)
	a.Get("/").Must(p, http.StatusNotFound)
}

func TestZ10ARestartedRouterMixesNothingUp(t *testing.T) {
	p := suite.ProveAlone(t, "Z-10", "the router restarted, with paasd and without: no name answers with another app; what comes meanwhile is refused", platform.Options{})
	a, b, gone := p.Deployed(platform.Fixture{}), p.Deployed(platform.Fixture{}), p.Deployed(platform.Fixture{})
	a.Do("paas", "scale", "web=2")
	p.OK(gone.Destroy())
	names := askAllNames(p, map[string]string{a.Name: a.Name, b.Name: b.Name, gone.Name: "", "nobody": ""})
	load := a.Load("/", steady)
	restart := func() {
		load.Flow(p, 60)
		p.Engine("restart", "--time", "0", "paas-router-"+p.Installation())
		platform.WaitFor(p, platform.Patience, "the router again", func() error { return a.Get("/").Want(http.StatusOK, "web.") })
		load.Flow(p, 60)
	}
	restart()
	p.OK(p.Kill())
	restart()
	p.OK(p.Serve())
	b.Do("paas", "config:set", "A=1")
	restart()
	traffic := load.Stop()
	p.Under(traffic)
	away := traffic.Stall()
	p.Figure("3 restarts, each away for at most %d ms; %d answers by 4 names, all of them right", away.Milliseconds(), names())
	if away > 10*time.Second {
		p.Errorf("a restart of the router takes %s", away)
	}
	b.Get("/").Must(p, http.StatusOK, "v2")
}

// An upgrade of paasd replaces the router, as another setting of it does.
func TestZ10AReplacedRouterFailsNothing(t *testing.T) {
	p := suite.ProveAlone(t, "Z-10", "the router replaced by another, in an upgrade or for other settings: not one request fails, also where paasd is killed in the middle", platform.Options{})
	a := p.Deployed(platform.Fixture{})
	load := a.Load("/", steady)
	slow := func() <-chan platform.Answer {
		answer := make(chan platform.Answer, 1)
		go func() { answer <- a.Get("/sleep?ms=4000") }()
		return answer
	}
	first := routers(p)
	replaced := func() {
		p.Helper()
		platform.WaitFor(p, platform.Patience, "another router alone", func() error {
			if now := routers(p); len(now) != 1 || slices.ContainsFunc(now, func(id string) bool { return slices.Contains(first, id) }) {
				return fmt.Errorf("%v, and before %v", now, first)
			}
			return nil
		})
		load.Flow(p, 60)
		first = routers(p)
	}
	answer := slow()
	p.OK(p.Restart("PAAS_TRUSTED_PROXIES=192.0.2.0/24"))
	replaced()
	p.OK((<-answer).Want(http.StatusOK))

	answer = slow() // keeps the one that is replaced
	p.OK(p.Restart("PAAS_TRUSTED_PROXIES=198.51.100.0/24"))
	platform.WaitFor(p, platform.Patience, "two routers", func() error {
		if n := len(routers(p)); n != 2 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	p.OK(p.Kill())
	load.Flow(p, 120)
	p.OK(p.Serve("PAAS_TRUSTED_PROXIES=198.51.100.0/24"))
	replaced()
	p.OK((<-answer).Want(http.StatusOK))
	a.Do("paas", "config:set", "A=1")
	traffic := clean(p, load)
	p.Figure("%d requests over 2 replacements, none failed, longest wait %d ms", len(traffic.Asked()), traffic.Stall().Milliseconds())
}

// routers are the containers of routers that run.
func routers(p *report.Proof) []string {
	p.Helper()
	return strings.Fields(p.Engine("ps", "-q", "--filter", "label=paas.service=router", "--filter", "label=paas.installation="+p.Installation()))
}

// askAllNames asks by each name, over and over, who answers: the app that is named here or, for "", nobody. A router that
// is away answers nothing. The function that it returns ends that and says how many answers there were.
func askAllNames(p *report.Proof, apps map[string]string) (answers func() int) {
	p.Helper()
	ctx, stop := context.WithCancel(p.Context())
	var done sync.WaitGroup
	var told atomic.Int64
	for name, app := range apps {
		done.Go(func() {
			for ctx.Err() == nil {
				answer := p.Get(name, "/env?key=PAAS_APP")
				nobody := answer.Status == http.StatusNotFound && app == ""
				right := answer.Status == http.StatusOK && app != "" && answer.Body == app
				if answer.Err == nil && !nobody && !right {
					p.Errorf("%s is answered with %d %q", name, answer.Status, answer.Body)
				}
				if answer.Err == nil {
					told.Add(1)
				}
				select {
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
	return func() int {
		stop()
		done.Wait()
		return int(told.Load())
	}
}
