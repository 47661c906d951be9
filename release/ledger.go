package release

import (
	"context"
	"fmt"

	"paas"
)

// Releases lists app's ledger, newest first.
func (e *Engine) Releases(_ context.Context, app string) ([]paas.ReleaseInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	releases, err := e.Store.Releases(record.ID)
	if err != nil {
		return nil, err
	}
	infos := make([]paas.ReleaseInfo, len(releases))
	for i, r := range releases {
		infos[i] = r.Info(record.Current)
	}
	return infos, nil
}

// Release returns one release with its diff to the one that was current before it.
func (e *Engine) Release(_ context.Context, app string, version int) (paas.ReleaseDetail, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.ReleaseDetail{}, err
	}
	rel, config, err := e.entry(record, version)
	if err != nil {
		return paas.ReleaseDetail{}, err
	}
	var parent paas.Release
	var parentConfig paas.Config
	if rel.Parent != 0 {
		if parent, parentConfig, err = e.entry(record, rel.Parent); err != nil {
			return paas.ReleaseDetail{}, err
		}
	}
	return rel.Detail(record.Current, paas.DiffReleases(parent, rel, parentConfig, config)), nil
}

// VerifyReleases walks the hash chain of app's ledger. The error, paas.Failed, names the first release that does not verify.
func (e *Engine) VerifyReleases(_ context.Context, app string) (paas.LedgerCheck, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.LedgerCheck{}, err
	}
	// Counted before, so that what is appended meanwhile is not said to be verified. That a damaged entry cannot be
	// listed either is no news beside which one it is.
	releases, listErr := e.Store.Releases(record.ID)
	if err := e.Store.VerifyReleases(record.ID); err != nil {
		return paas.LedgerCheck{}, err
	}
	return paas.LedgerCheck{Releases: len(releases), Verified: listErr == nil}, listErr
}

// entry is a release with its config.
func (e *Engine) entry(app paas.App, version int) (paas.Release, paas.Config, error) {
	rel, err := e.Store.Release(app.ID, version)
	if err != nil {
		return rel, nil, err
	}
	config, err := e.Store.Config(app.ID, rel.ConfigVersion)
	return rel, config, err
}

// Rollback makes a new release of the image, config, process types and checks of release `to`; 0 means the newest that
// succeeded before the current one. Nothing is built.
func (e *Engine) Rollback(ctx context.Context, app string, to int, progress Progress) (paas.ReleaseInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.ReleaseInfo{}, err
	}
	var rel paas.Release
	err = e.lanes.do(ctx, record.ID, "rollback by "+paas.UserOf(ctx), progress, func() error {
		if record, err = e.Store.App(record.ID); err != nil {
			return err
		}
		rel, err = e.rollbackTo(ctx, record, to, progress)
		return err
	})
	return infoOf(rel), err
}

// rollbackTo is Rollback for who has the app's turn.
func (e *Engine) rollbackTo(ctx context.Context, app paas.App, to int, progress Progress) (paas.Release, error) {
	target, config, err := e.rollbackTarget(ctx, app, to)
	if err != nil {
		return paas.Release{}, err
	}
	d := draftFrom(target, config)
	d.description = fmt.Sprintf("Rollback to v%d", target.Version)
	return e.release(ctx, app, d, progress)
}

// PreviewRollback says what Rollback to the same release would do, or why it would refuse, and does nothing.
func (e *Engine) PreviewRollback(ctx context.Context, app string, to int) (paas.RollbackPreview, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.RollbackPreview{}, err
	}
	target, config, err := e.rollbackTarget(ctx, record, to)
	if err != nil {
		return paas.RollbackPreview{}, err
	}
	current, currentConfig, err := e.current(record)
	if err != nil {
		return paas.RollbackPreview{}, err
	}
	return paas.RollbackPreview{
		Current: current.Version, Target: target.Info(current.Version), Diff: paas.DiffReleases(current, target, currentConfig, config),
	}, nil
}

func (e *Engine) rollbackTarget(ctx context.Context, app paas.App, to int) (paas.Release, paas.Config, error) {
	if to == 0 {
		version, err := e.before(app)
		if err != nil {
			return paas.Release{}, nil, err
		}
		to = version
	}
	target, config, err := e.entry(app, to)
	if err != nil {
		return target, nil, err
	}
	if to == app.Current {
		return target, nil, paas.Errorf(paas.Conflict, "v%d is the current release already", to).WithHint("paas releases -a %s", app.Name)
	}
	if target.Status != paas.ReleaseSucceeded {
		return target, nil, paas.Errorf(paas.Conflict, "v%d %s and never served, so there is nothing to go back to", to, target.Status).
			WithHint("choose one that succeeded: paas releases -a %s", app.Name)
	}
	if _, err := e.Runtime.Image(ctx, target.Image.ID); err != nil {
		return target, nil, fmt.Errorf("find the image of v%d: %w", to, err)
	}
	return target, config, nil
}

// before is the newest succeeded release before the current one.
func (e *Engine) before(app paas.App) (int, error) {
	releases, err := e.Store.Releases(app.ID)
	if err != nil {
		return 0, err
	}
	for _, r := range releases {
		if r.Version < app.Current && r.Status == paas.ReleaseSucceeded {
			return r.Version, nil
		}
	}
	return 0, paas.Errorf(paas.Conflict, "there is no release of %s to go back to", app.Name).WithHint("paas releases -a %s", app.Name)
}
