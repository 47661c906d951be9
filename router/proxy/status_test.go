package proxy

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"paas"
)

// routes is the table as the control socket shows it.
func (r *rig) routes(app string) paas.RouteTable {
	r.t.Helper()
	t, err := r.target.Routes(r.t.Context(), app)
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

func (r *rig) visit(host string) *http.Response {
	r.t.Helper()
	req := r.request(http.MethodGet, "/", nil)
	req.Host = host
	resp, _ := r.do(r.client(), req)
	return resp
}

func TestRoutesSayWhereRequestsGoAndWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	good, bad := serveApp(t, func(http.ResponseWriter, *http.Request) {}), refusing(t)
	quiet := paas.Route{App: "b", Name: "bee", Hosts: []string{"b.localhost"}, Down: "H81"}
	shut := paas.Route{App: "c", Name: "cee", Hosts: []string{"c.localhost"}, Maintenance: true}
	a := route(good, bad)
	a.Backends[0].Release = 7
	r := start(t, Options{}, a, quiet, shut)
	eventually(t, "a try of the backend that refuses", func() bool {
		r.visit("a.localhost")
		return r.routes("a").Routes[0].Backends[1].State == paas.BackendEjected
	})
	r.visit("b.localhost")
	eventually(t, "all of them to be counted", func() bool {
		a, b := r.routes("a").Routes[0], r.routes("b").Routes[0]
		return b.Requests == 1 && a.Requests == a.Backends[0].Requests
	})

	all := r.routes("")
	if all.Version != r.version.Load() || len(all.Routes) != 3 || len(r.routes("nosuch").Routes) != 0 {
		t.Fatalf("got %+v", all)
	}
	app := all.Routes[0]
	if app.App != "a" || app.State != paas.RouteUp || app.Code != "" || app.Requests == 0 || app.Failures != 0 {
		t.Errorf("got %+v", app)
	}
	up, out := app.Backends[0], app.Backends[1]
	if up.Instance != "web.1" || up.Addr != good || up.Release != 7 || up.State != paas.BackendUp || up.Requests != app.Requests || up.Failures != 0 {
		t.Errorf("got %+v", up)
	}
	if left := time.Until(*out.EjectedUntil); out.Requests != 1 || out.Failures != 1 || left <= 0 || left > time.Second {
		t.Errorf("got %+v, for another %v", out, left)
	}
	if b := all.Routes[1]; b.App != "bee" || b.State != paas.RouteDown || b.Code != "H81" || b.Requests != 1 || b.Failures != 1 {
		t.Errorf("got %+v", b)
	}
	if c := all.Routes[2]; c.State != paas.RouteMaintenance || c.Code != "H80" || c.Requests != 0 {
		t.Errorf("got %+v", c)
	}

	r.live.lookup("a.localhost", "/").backends[1].shunned.Store(0) // its time is up
	if b := r.routes("a").Routes[0].Backends[1]; b.State != paas.BackendTrial || b.EjectedUntil != nil {
		t.Errorf("got %+v", b)
	}
}

func TestRoutesShowWhatDrainsAndWhatWaits(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}, 1), make(chan struct{})
	old := serveApp(t, func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-finish })
	fresh := serveApp(t, func(http.ResponseWriter, *http.Request) {})
	r := start(t, Options{}, route(old))
	done := make(chan struct{}, 2)
	ask := func() { r.visit("a.localhost"); done <- struct{}{} }
	go ask()
	await(t, "the request at the backend", begun)
	paused := route(fresh)
	paused.Paused = true
	r.put(paused)
	app := r.routes("a").Routes[0]
	if app.State != paas.RoutePaused || app.InFlight != 1 || len(app.Backends) != 2 {
		t.Fatalf("got %+v", app)
	}
	if b := app.Backends[1]; b.Addr != old || b.State != paas.BackendDraining || b.InFlight != 1 {
		t.Errorf("got %+v", b)
	}
	go ask()
	eventually(t, "a request that waits", func() bool { return r.routes("a").Routes[0].Held == 1 })

	r.put(paas.Route{App: "b"})
	if gone := r.routes("a").Routes[0]; gone.State != paas.RouteGone || gone.App != "a" || gone.InFlight != 1 || gone.Backends[0].Addr != old {
		t.Errorf("got %+v", gone)
	}
	r.put(route(fresh))
	close(finish)
	await(t, "the end of the first", done)
	await(t, "the end of the second", done)
	app = r.routes("a").Routes[0]
	if want := (netip.AddrPort{}); app.Held != 0 || app.InFlight != 0 || len(app.Backends) != 1 || app.Backends[0].Addr == want {
		t.Errorf("got %+v", app)
	}
}
