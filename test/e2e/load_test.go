package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"paas/test/platform"
)

// perSecond is the load under which nothing may fail.
const perSecond = 20

// Config changes, deploys, scaling, a restart and a rollback under load: not one request fails.
func underLoad(t *testing.T, p *platform.Platform) {
	app := p.App(t, platform.Fixture{})
	app.Push()
	app.Do("paas", "scale", "web=2")
	load := app.Load("/sleep?for=100ms", platform.Rate{Kept: perSecond})
	app.Do("paas", "config:set", "A=1")
	app.Get("/").Must(t, 200, " v2")
	app.Commit("Second")
	app.Push()
	app.Get("/").Must(t, 200, " v3")
	app.Do("paas", "scale", "web=1")
	app.Do("paas", "restart")
	app.Do("paas", "rollback")
	app.Get("/").Must(t, 200, "web.1 v4")
	load.StopClean(t)
}

// kill -9 of paasd and a new start, under load: not one request fails, the same containers serve, none is doubled.
func killed(t *testing.T) {
	p := platform.Start(t, platform.Options{})
	app := p.App(t, platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
	app.Push()
	app.Do("paas", "scale", "web=2", "worker=1")
	before := running(t, p, 3)
	load := app.Load("/", platform.Rate{Kept: perSecond})
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	app.Get("/").Must(t, 200, " v1")
	app.Run("paas", "ps").Want(7).Says("try:")
	load.Flow(t, 10)
	if err := p.Serve(); err != nil {
		t.Fatal(err)
	}
	platform.WaitFor(t, platform.Patience, "the instances to be known as up", func() error {
		if ps := app.Do("paas", "ps").Stdout; !strings.Contains(ps, "web.1\tup\tv1") || !strings.Contains(ps, "web.2\tup\tv1") {
			return errors.New(ps)
		}
		return nil
	})
	load.Flow(t, 20)
	if after := running(t, p, 3); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("other containers run than before:\n%v\n%v", before, after)
	}
	app.Do("paas", "config:set", "A=1")
	app.Get("/").Must(t, 200, " v2")
	load.StopClean(t)
}

// running is the ids of the installation's running containers by slot, which are to be that many.
func running(t *testing.T, p *platform.Platform, want int) map[string]string {
	t.Helper()
	ids := map[string]string{}
	platform.WaitFor(t, 30*time.Second, "the containers", func() error {
		clear(ids)
		all, err := p.Containers("")
		if err != nil {
			return err
		}
		for _, c := range all {
			ids[c.Name] = c.ID
		}
		if len(all) != want || len(ids) != want {
			return fmt.Errorf("%d containers of %d names, not %d: %v", len(all), len(ids), want, ids)
		}
		return nil
	})
	return ids
}
