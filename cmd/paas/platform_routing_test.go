package main

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"paas"
)

func (p *platform) SetMaintenance(_ context.Context, app string, on bool) (paas.AppInfo, error) {
	return p.gate(app, on, paas.AppMaintenance)
}

func (p *platform) SetPaused(_ context.Context, app string, paused bool) (paas.AppInfo, error) {
	return p.gate(app, paused, paas.AppPaused)
}

func (p *platform) gate(app string, on bool, state paas.AppState) (paas.AppInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.AppInfo{}, err
	}
	defer p.mu.Unlock()
	a.info.State = paas.AppUp
	if on {
		a.info.State = state
	}
	return a.info, nil
}

func (p *platform) Routing(_ context.Context, app string) ([]paas.RoutingSetting, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return a.routing.Settings(), nil
}

func (p *platform) SetRouting(_ context.Context, app string, patch paas.RoutingPatch) (changed []string, err error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	a.routing, changed, err = a.routing.Apply(patch)
	return changed, err
}

// Routes has web.1 up and web.2 ejected; empty has nothing to serve.
func (p *platform) Routes(_ context.Context, app string) (paas.RouteTable, error) {
	if app != "" {
		if _, err := p.lock(app); err != nil {
			return paas.RouteTable{}, err
		}
		p.mu.Unlock()
	}
	until := clock.Add(8 * time.Second)
	t := paas.RouteTable{Version: 12, Routes: []paas.RouteStatus{
		{App: "empty", Hosts: []string{"empty.localhost"}, State: paas.RouteDown, Code: "H81", Requests: 3, Failures: 3},
		{
			App: "hello", Hosts: []string{"hello.localhost", "www.example.com"}, State: paas.RouteUp, InFlight: 3, Held: 1, Requests: 1200, Failures: 2,
			Backends: []paas.BackendStatus{
				{
					Instance: "web.1", Addr: netip.MustParseAddrPort("10.83.0.2:5000"), Release: 2, State: paas.BackendUp, InFlight: 3,
					Requests: 1197, Failures: 1,
				},
				{
					Instance: "web.2", Addr: netip.MustParseAddrPort("10.83.0.3:5000"), Release: 2, State: paas.BackendEjected, EjectedUntil: &until,
					Requests: 4, Failures: 4,
				},
			},
		},
	}}
	t.Routes = slices.DeleteFunc(t.Routes, func(r paas.RouteStatus) bool { return app != "" && r.App != app })
	return t, nil
}

func (p *platform) Pages(_ context.Context, app string) ([]paas.PageInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return slices.Clone(a.pages), nil
}

func (p *platform) SetPage(ctx context.Context, app string, name paas.PageName, html string) (paas.PageInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.PageInfo{}, err
	}
	defer p.mu.Unlock()
	info := paas.PageInfo{Name: name, Size: paas.Bytes(len(html)), SetAt: clock, User: "ada"}
	a.pages = append(a.pages, info)
	return info, paas.ValidatePage(html)
}

func (p *platform) RemovePage(_ context.Context, app string, name paas.PageName) error {
	a, err := p.lock(app)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	before := len(a.pages)
	if a.pages = slices.DeleteFunc(a.pages, func(i paas.PageInfo) bool { return i.Name == name }); len(a.pages) == before {
		return paas.Errorf(paas.NotFound, "app %s has no page of its own for %q", app, name).WithHint("paas pages -a %s", app)
	}
	return nil
}
