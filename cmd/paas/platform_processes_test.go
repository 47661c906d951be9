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

func (p *platform) Events(_ context.Context, q paas.EventQuery) ([]paas.EventInfo, error) {
	if q.App == "" {
		return []paas.EventInfo{
			{Time: clock, Kind: "apps:destroy", App: "old", User: "bo", From: "socket", Result: paas.Done, RequestID: "R2"},
			{Time: clock, Kind: "keys:add", User: "ada", From: "ssh 192.0.2.7", Result: "conflict", Text: "bo: there is a key bo already", RequestID: "R1"},
		}, nil
	}
	if _, err := p.lock(q.App); err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	changes := []paas.EventInfo{
		{Time: clock, Kind: "config:set", App: "hello", User: "ada", From: "ssh 192.0.2.7", Result: paas.Done, Seconds: 1.5, Text: "GREETING", RequestID: "R3"},
	}
	if q.Changes {
		return changes, nil
	}
	events := append([]paas.EventInfo{
		{ID: 2, App: "hello", Time: clock.Add(1_500_000), Kind: paas.Move("deploy", paas.MoveSwitch), Release: 2},
		{ID: 1, App: "hello", Time: clock, Kind: paas.EventDeployPending, User: "ada", Release: 2, Text: "v2 by ada: Set GREETING config var"},
	}, changes...)
	return events[:min(q.Limit, len(events))], nil
}

func (p *platform) AppID(name string) string { return "id-of-" + name }

func (p *platform) RecordChange(paas.Change) {}
