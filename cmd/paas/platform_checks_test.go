package main

import (
	"context"
	"io"
	"strings"

	"paas"
)

func (p *platform) Checks(_ context.Context, app string) ([]paas.CheckSetting, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return paas.CheckSettings(a.checks, paas.Checks{Interval: 5}), nil
}

// SetChecks fails the release when the path is /fail.
func (p *platform) SetChecks(_ context.Context, app string, patch paas.ChecksPatch, progress io.Writer) (paas.ChecksChange, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.ChecksChange{}, err
	}
	defer p.mu.Unlock()
	next, set, removed, err := a.checks.Apply(patch)
	if err != nil {
		return paas.ChecksChange{}, err
	}
	change := paas.ChecksChange{Set: set, Removed: removed}
	if next.Path == "/fail" {
		return change, paas.Errorf(paas.Failed, "v%d failed: web.1 did not answer GET /fail", a.info.Release+1).WithHint("paas logs -a %s", app)
	}
	if a.checks = next; len(set)+len(removed) > 0 && a.info.Release > 0 {
		change.Release = a.release("Set "+strings.Join(set, ", ")+" checks", progress)
	}
	return change, nil
}
