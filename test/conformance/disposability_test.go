package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"paas/test/platform"
)

func TestIX1EveryProcessGetsSIGTERM(t *testing.T) {
	p := prove(t, "IX-1", "every process gets SIGTERM, those in a shell too")
	a := p.deployed(platform.Fixture{
		Dockerfile: platform.ShellDockerfile,
		Procfile:   "web: /probe web\nworker: cd /tmp && MODE=fast /probe worker\nclock: sh -c 'exec /probe clock'\n",
	})
	a.Do("paas", "scale", "worker=1", "clock=1")
	a.Do("paas", "restart")
	for _, name := range []string{"web.1", "worker.1", "clock.1"} {
		a.WantLog("app[" + name + "]: got SIGTERM")
	}
	if log := a.Logs(); strings.Contains(log, "Killed:") {
		p.Errorf("some had to be killed:\n%s", log)
	}
}

func TestIX2TheDeafAreKilledAfterTheGrace(t *testing.T) {
	p := proveAtLeisure(t, "IX-2", "deaf: SIGKILL at the grace of 30 s ±1 s, said in the log, others unaffected")
	a := p.deployed(platform.Fixture{Procfile: "web: /probe web\ndeaf: /probe deaf\n"})
	a.Do("paas", "scale", "deaf=1")
	web, deaf := a.Container("web.1"), a.Container("deaf.1")
	load, watch := a.Load("/", platform.Rate{Kept: 5}), p.Watch(p)
	a.Do("paas", "scale", "deaf=0")
	a.WantLog("deaf.1", "Killed", "30s")
	load.StopClean(p)
	told, killed := watch.Await(p, "SIGTERM", platform.Signaled(deaf.ID, "15")), watch.Await(p, "SIGKILL", platform.Signaled(deaf.ID, "9"))
	if grace := killed.At.Sub(told.At); grace < 29*time.Second || grace > 31*time.Second {
		p.Errorf("SIGKILL came %s after SIGTERM", grace)
	}
	if a.Container("web.1").ID != web.ID {
		p.Error("web was touched")
	}
	a.WantUp("web.1")
}

func TestIX3NoRequestIsLost(t *testing.T) {
	both(t, "IX-3", "50 requests/s of 1 s each through deploy, scale-down and restart: 0 failures", func(p *proof) {
		a := p.deployed(platform.Fixture{})
		a.Do("paas", "scale", "web=2")
		load := a.Load("/sleep?for=1s", platform.Rate{Kept: 50})
		for _, change := range []func(){
			func() {
				a.Commit("Again")
				a.Push()
			},
			func() { a.Do("paas", "scale", "web=1") },
			func() { a.Do("paas", "restart") },
		} {
			change()
			load.Flow(p, 60)
		}
		a.WantUp("web.1")
		load.StopClean(p)
	})
}

func TestIX4AKilledProcessIsReplaced(t *testing.T) {
	p := prove(t, "IX-4", "kill -9 of web.1: replaced, web.2 clean, status 137 logged")
	a := p.deployed(platform.Fixture{})
	a.Do("paas", "scale", "web=2")
	one, two := a.Container("web.1"), a.Container("web.2")
	p.Engine("kill", "--signal", "KILL", one.ID)
	a.Replaced(one)
	a.WantUp("web.1", "web.2")
	a.WantLog("paas[web.1]", "137")
	if a.Container("web.2").ID != two.ID {
		p.Error("web.2 was replaced")
	}
	if log := a.Logs("--process", "web.2"); strings.Contains(log, "SIGTERM") {
		p.Errorf("web.2 was told to stop:\n%s", log)
	}
	for range 20 {
		a.Get("/").Must(p, http.StatusOK, " v1")
	}
}

func TestIX5ACrashLoopSlowsDown(t *testing.T) {
	p := prove(t, "IX-5", "crash loop (exit 0 and 1): growing delays, the next one shown, a new release resets")
	a := p.deployed(platform.Fixture{})
	for n, least := range []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		a.WantUp("web.1")
		old := a.Container("web.1")
		crashed := time.Now()
		code := 1 - n%2
		a.Direct("web.1", http.MethodGet, fmt.Sprintf("/crash?code=%d", code), "")
		if n == 4 { // held back for long enough to be seen on a machine under load
			i := a.heldBack("web.1", n+1)
			if i.NextRestartAt.Sub(crashed) < least || i.ExitCode == nil || *i.ExitCode != code {
				p.Errorf("after crash %d ps shows %+v", n+1, i)
			}
		}
		a.Replaced(old)
		i, _ := a.PS().Of("web.1")
		if i.StartedAt == nil || i.StartedAt.Sub(crashed) < least {
			p.Errorf("the restart after crash %d came at %s, less than %s after %s", n+1, i.StartedAt, least, crashed)
		}
	}
	a.Do("paas", "config:set", "FIXED=1")
	a.WantUp("web.1")
	if i, _ := a.PS().Of("web.1"); i.Restarts != 0 || i.NextRestartAt != nil {
		p.Errorf("after a new release ps shows %+v", i)
	}
}

func TestIX6StartingCostsLittle(t *testing.T) {
	p := prove(t, "IX-6", "launch overhead < 2 s warm")
	a := p.deployed(platform.Fixture{})
	image := a.Releases()[0].Image
	timed := func(run func()) time.Duration {
		began := time.Now()
		run()
		return time.Since(began)
	}
	// Other proofs work beside this one: what counts is the best of pairs, each under the same load.
	ours, bare := time.Hour, time.Duration(0)
	for n := 0; n < 8 && ours-bare > 2*time.Second; n++ {
		bare = timed(func() {
			p.Engine("run", "--rm", "--label", "paas.installation="+p.Installation(), image, "/probe", "exit")
		})
		ours = timed(func() { a.Do("paas", "run", "--", "/probe", "exit") })
	}
	p.Figure("paas run %d ms, docker run %d ms", ours.Milliseconds(), bare.Milliseconds())
	if ours-bare > 2*time.Second {
		p.Errorf("paas run takes %s, docker run %s", ours, bare)
	}
}
