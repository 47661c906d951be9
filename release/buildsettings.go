package release

import (
	"context"
	"maps"
	"slices"
	"strings"

	"paas"
)

// BuildSettings lists how the source of app becomes an image.
func (e *Engine) BuildSettings(_ context.Context, app string) ([]paas.BuildSetting, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	return record.Build.Settings(), nil
}

// SetBuildSettings changes that for the builds to come, makes no release, and returns the names of the settings that changed.
func (e *Engine) SetBuildSettings(ctx context.Context, app string, patch paas.BuildPatch) (changed []string, err error) {
	if err := patch.Validate(); err != nil {
		return nil, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	_, err = e.Store.UpdateApp(record.ID, func(a *paas.App) error {
		a.Build, changed, err = a.Build.Apply(patch)
		return err
	})
	if err != nil || len(changed) == 0 {
		return changed, err
	}
	e.buildEvent(ctx, record.ID, "Set "+strings.Join(changed, ", ")+" of its builds")
	return changed, nil
}

// BuildSecrets lists the build secrets of app, without their values.
func (e *Engine) BuildSecrets(_ context.Context, app string) ([]paas.BuildSecret, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	return e.Store.BuildSecrets(record.ID)
}

// SetBuildSecrets sets those of the patch, and removes those that are nil in it, for the builds to come.
func (e *Engine) SetBuildSecrets(ctx context.Context, app string, patch paas.BuildSecretsPatch) ([]paas.BuildSecret, error) {
	if err := patch.Validate(); err != nil {
		return nil, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	if err := e.Store.SetBuildSecrets(record.ID, paas.UserOf(ctx), patch); err != nil {
		return nil, err
	}
	var set, removed []string
	for _, name := range slices.Sorted(maps.Keys(patch)) {
		if patch[name] == nil {
			removed = append(removed, name)
		} else {
			set = append(set, name)
		}
	}
	if len(set) > 0 {
		e.buildEvent(ctx, record.ID, "Set the build secrets "+strings.Join(set, ", "))
	}
	if len(removed) > 0 {
		e.buildEvent(ctx, record.ID, "Removed the build secrets "+strings.Join(removed, ", "))
	}
	return e.Store.BuildSecrets(record.ID)
}

func (e *Engine) buildEvent(ctx context.Context, app, text string) {
	user := paas.UserOf(ctx)
	e.event(paas.Event{App: app, Kind: paas.EventBuildSet, User: user, Text: text + " by " + user})
}
