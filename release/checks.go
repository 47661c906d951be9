package release

import (
	"context"
	"fmt"
	"strings"

	"paas"
)

// Checks lists what is in force for app, and who says so.
func (e *Engine) Checks(_ context.Context, app string) ([]paas.CheckSetting, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	d, err := e.draftOf(record)
	return paas.CheckSettings(d.checks, d.declared), err
}

// SetChecks applies patch to the checks as they are when its turn comes. It makes one release; none where nothing
// changes, and none before the first deploy, which will take the checks that are kept.
func (e *Engine) SetChecks(ctx context.Context, app string, patch paas.ChecksPatch, progress Progress) (paas.ChecksChange, error) {
	if err := patch.Validate(); err != nil {
		return paas.ChecksChange{}, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.ChecksChange{}, err
	}
	var change paas.ChecksChange
	err = e.lanes.do(ctx, record.ID, "change of checks by "+paas.UserOf(ctx), progress, func() error {
		change, err = e.setChecks(ctx, record.ID, patch, progress)
		return err
	})
	return change, err
}

func (e *Engine) setChecks(ctx context.Context, id string, patch paas.ChecksPatch, progress Progress) (paas.ChecksChange, error) {
	app, err := e.Store.App(id)
	if err != nil {
		return paas.ChecksChange{}, err
	}
	d, err := e.draftOf(app)
	if err != nil {
		return paas.ChecksChange{}, err
	}
	next, set, removed, err := d.checks.Apply(patch)
	if err != nil {
		return paas.ChecksChange{}, err
	}
	change := paas.ChecksChange{Set: orEmpty(set), Removed: orEmpty(removed)}
	if len(set)+len(removed) == 0 {
		return change, nil
	}
	d.checks, d.description = next, describeChange(set, removed, "checks")
	if app.Current == 0 {
		return change, e.keepChecks(ctx, app, d)
	}
	rel, err := e.release(ctx, app, d, progress)
	info := infoOf(rel)
	change.Release = &info
	return change, err
}

// keepChecks keeps what the first release will take.
func (e *Engine) keepChecks(ctx context.Context, app paas.App, d draft) error {
	_, err := e.Store.UpdateApp(app.ID, func(a *paas.App) error {
		a.KeptChecks = d.checks
		return nil
	})
	if err == nil {
		e.event(paas.Event{
			App: app.ID, Kind: paas.EventChecksKept, User: paas.UserOf(ctx),
			Text: fmt.Sprintf("%s by %s, kept for the first release", d.description, paas.UserOf(ctx)),
		})
	}
	return err
}

// describeChange names what was set and removed, and no values: "Set A, B config vars".
func describeChange(set, removed []string, what string) string {
	var parts []string
	if len(set) > 0 {
		parts = append(parts, "set "+strings.Join(set, ", "))
	}
	if len(removed) > 0 {
		parts = append(parts, "remove "+strings.Join(removed, ", "))
	}
	return title(strings.Join(parts, ", ") + " " + what)
}
