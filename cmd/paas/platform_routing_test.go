package main

import (
	"context"

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
