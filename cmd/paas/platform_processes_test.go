package main

import (
	"context"
	"io"
	"slices"

	"paas"
)

func (p *platform) Processes(_ context.Context, app string) (paas.Processes, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Processes{}, err
	}
	defer p.mu.Unlock()
	return paas.Processes{Formation: slices.Clone(a.ps.Formation), Instances: slices.Clone(a.ps.Instances)}, nil
}

// Scale brings everything up.
func (p *platform) Scale(_ context.Context, app string, change paas.Formation, progress io.Writer) (paas.Processes, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Processes{}, err
	}
	defer p.mu.Unlock()
	if err := change.Validate(paas.ProcessTypes{{Name: "web"}, {Name: "worker"}}); err != nil {
		return paas.Processes{}, err
	}
	a.ps.Instances = nil
	for i, t := range a.ps.Formation {
		if n, ok := change[t.Type]; ok {
			a.ps.Formation[i].Quantity = n
		}
		for n := range a.ps.Formation[i].Quantity {
			name := paas.InstanceName(t.Type, n+1)
			_, _ = io.WriteString(progress, "starting "+name+"\n")
			a.ps.Instances = append(a.ps.Instances, paas.InstanceStatus{Name: name, Type: t.Type, State: paas.InstanceUp, Release: a.info.Release})
		}
	}
	return a.ps, nil
}

// Resize is that of the types alone; they stay as they are.
func (p *platform) Resize(_ context.Context, app string, change paas.Sizes, progress io.Writer) (paas.Processes, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Processes{}, err
	}
	defer p.mu.Unlock()
	if err := change.Validate(paas.ProcessTypes{{Name: "web"}, {Name: "worker"}}); err != nil {
		return paas.Processes{}, err
	}
	for i, t := range a.ps.Formation {
		if size, ok := change[t.Type]; ok {
			a.ps.Formation[i].Size = size
			_, _ = io.WriteString(progress, "resizing "+t.Type+"\n")
		}
	}
	return a.ps, nil
}

func (p *platform) Restart(_ context.Context, app, target string, progress io.Writer) (paas.Processes, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Processes{}, err
	}
	defer p.mu.Unlock()
	_, _ = io.WriteString(progress, "replacing "+target+"\n")
	return a.ps, nil
}

func (p *platform) Stop(ctx context.Context, app, target string, progress io.Writer) (paas.Processes, error) {
	return p.Restart(ctx, app, target, progress)
}

func (p *platform) Events(_ context.Context, app string, limit int) ([]paas.EventInfo, error) {
	if _, err := p.lock(app); err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	events := []paas.EventInfo{
		{ID: 2, Time: clock.Add(1_500_000), Kind: paas.Move("deploy", paas.MoveSwitch), Release: 2},
		{ID: 1, Time: clock, Kind: paas.EventDeployPending, User: "ada", Release: 2, Text: "v2 by ada: Set GREETING config var"},
	}
	return events[:min(limit, len(events))], nil
}
