package faults

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
)

// V-8, Z-10: the host loses its power and boots, Docker before paasd and then paasd before Docker. All comes back as it was
// to be, and no name ever answers with what is not its own.
func TestV8TheHostLosesItsPower(t *testing.T) {
	e, p := ownEngine(t, true, "V-8", "the host loses its power, Docker or paasd boots first: all is back, and no name ever answers with what is not its own (Z-10)", platform.EngineOptions{})
	one := p.App(platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
	one.Push()
	one.Do("paas", "scale", "web=2", "worker=1")
	two := p.App(platform.Fixture{})
	two.Push()
	watched := watchNames(p.Platform, one.Name, two.Name)

	drainInto(t, p.Platform, one)
	powerCut(t, e, p.Platform)
	began := time.Now()
	if err := e.Start(); err != nil {
		p.Fatal(err)
	}
	platform.WaitFor(t, backWithin, "apps to be served without paasd", func() error { return one.Get("/").Want(200, " v2") })
	served := time.Since(began)
	began = time.Now()
	if err := p.Serve(); err != nil {
		p.Fatal(err)
	}
	wantBack(t, p.Platform, one, two, "2")
	desired := time.Since(began)

	powerCut(t, e, p.Platform)
	began = time.Now()
	ready := make(chan error, 1)
	go func() { ready <- p.Serve() }()
	platform.WaitFor(t, backWithin, "paasd's door to open without Docker", func() error {
		return said(one.Run("paas", "releases"), "v2\tsucceeded")
	})
	letsIn := time.Since(began)
	wantAway(t, p.Platform, one)
	began = time.Now()
	if err := e.Start(); err != nil {
		p.Fatal(err)
	}
	if err := <-ready; err != nil {
		p.Fatal(err)
	}
	wantBack(t, p.Platform, one, two, "2")
	p.Figure("served %.1f s after Docker was started, as desired %.1f s after paasd was; the other way round paasd lets in after %.1f s, as desired %.1f s after Docker was started",
		served.Seconds(), desired.Seconds(), letsIn.Seconds(), time.Since(began).Seconds())

	watched.right(t, one.Name, two.Name)
	one.Do("paas", "config:set", "A=1")
	one.Get("/env?key=A").Must(t, 200, "1")
}

// drainInto releases v2 of an app whose v1 still answers a request.
func drainInto(t *testing.T, p *platform.Platform, app *platform.App) {
	t.Helper()
	began := make(chan struct{})
	once := sync.OnceFunc(func() { close(began) })
	go platform.Follow(t.Context(), p.Client().Transport, app.URL("/stream"), func(int) { once() }) // the power cut ends it
	<-began
	app.Do("paas", "config:set", "B=1")
	app.Do("paas", "ps").Says("draining")
}

// powerCut switches the host off, paasd with it, and on again. Nothing runs then.
func powerCut(t *testing.T, e *platform.Engine, p *platform.Platform) {
	t.Helper()
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := e.PowerOff(); err != nil {
		t.Fatal(err)
	}
	if err := e.PowerOn(); err != nil {
		t.Fatal(err)
	}
}

// wantBack waits until both apps are as they were to be.
func wantBack(t *testing.T, p *platform.Platform, one, two *platform.App, release string) {
	t.Helper()
	wantFleet(t, p, one.Name, release, "web.1", "web.2", "worker.1")
	wantFleet(t, p, two.Name, "1", "web.1")
	one.Do("paas", "ps").Says("web.1\tup\tv"+release, "web.2\tup\tv"+release, "worker.1\tup\tv"+release)
	one.Get("/").Must(t, 200, " v"+release)
	two.Get("/").Must(t, 200, "web.1 v1")
	p.Get(nobody, "/").Must(t, http.StatusNotFound)
}
