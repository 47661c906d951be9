package release

import (
	"context"
	"fmt"

	"paas"
)

// Config returns app's config and its version.
func (e *Engine) Config(_ context.Context, app string) (paas.Config, int, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, 0, err
	}
	config, err := e.Store.Config(record.ID, record.ConfigVersion)
	return config, record.ConfigVersion, err
}

// SetConfig applies patch to the config as it is when its turn comes, so that no change is lost. It makes one release;
// none where nothing changes, and none before the first deploy, which will take the config that is kept.
func (e *Engine) SetConfig(ctx context.Context, app string, patch paas.ConfigPatch, ifMatch int, progress Progress) (paas.ConfigChange, error) {
	if err := patch.Validate(); err != nil {
		return paas.ConfigChange{}, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.ConfigChange{}, err
	}
	var change paas.ConfigChange
	err = e.lanes.do(ctx, record.ID, "config change by "+paas.UserOf(ctx), progress, func() error {
		change, err = e.setConfig(ctx, record.ID, patch, ifMatch, progress)
		return err
	})
	return change, err
}

func (e *Engine) setConfig(ctx context.Context, id string, patch paas.ConfigPatch, ifMatch int, progress Progress) (paas.ConfigChange, error) {
	app, err := e.Store.App(id)
	if err != nil {
		return paas.ConfigChange{}, err
	}
	if ifMatch >= 0 && ifMatch != app.ConfigVersion {
		return paas.ConfigChange{}, paas.Errorf(paas.Stale, "the config changed meanwhile: it is at version %d, not %d", app.ConfigVersion, ifMatch).
			WithHint("look at it again with: paas config -a %s", app.Name)
	}
	d, err := e.draftOf(app)
	if err != nil {
		return paas.ConfigChange{}, err
	}
	next, set, removed, err := d.config.Apply(patch)
	if err != nil {
		return paas.ConfigChange{}, err
	}
	change := paas.ConfigChange{Set: orEmpty(set), Removed: orEmpty(removed), Version: app.ConfigVersion}
	if len(set)+len(removed) == 0 {
		return change, nil
	}
	d.config, d.description = next, describeChange(set, removed, "config vars")
	if app.Current == 0 {
		if err = e.Room(); err == nil {
			app, err = e.Store.KeepConfig(id, next)
		}
		if err != nil {
			return change, err
		}
		change.Version = app.ConfigVersion
		e.event(paas.Event{
			App: id, Kind: paas.EventConfigKept, User: paas.UserOf(ctx),
			Text: fmt.Sprintf("%s by %s, kept for the first release", d.description, paas.UserOf(ctx)),
		})
		return change, nil
	}
	rel, err := e.release(ctx, app, d, progress)
	info := infoOf(rel)
	change.Release, change.Version = &info, rel.ConfigVersion
	return change, err
}

// infoOf shows a release that was just made: it is current if it succeeded.
func infoOf(rel paas.Release) paas.ReleaseInfo {
	if rel.Status == paas.ReleaseSucceeded {
		return rel.Info(rel.Version)
	}
	return rel.Info(0)
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
