package release

import (
	"context"
	"errors"
	"fmt"

	"paas"
)

const interrupted = "paasd stopped before it was done"

// Recover ends what an earlier process left in the middle; it comes before the doors open. Since every switch is one
// transaction of the store, whatever was interrupted either happened or did not. What needs the container engine, Work
// does once that answers.
func (e *Engine) Recover(ctx context.Context) error {
	if err := errors.Join(e.failPending(), e.restoreApps(ctx)); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return nil
}

// failPending marks releases whose deployment was interrupted as failed; their instances are strays now.
func (e *Engine) failPending() error {
	pending, err := e.Store.PendingReleases()
	if err != nil {
		return err
	}
	for _, r := range pending {
		o := paas.Outcome{Status: paas.ReleaseFailed, FinishedAt: e.Now(), Error: interrupted}
		if err := e.recordFailure(r, o); paas.OutOfSpace(err) {
			e.Log.Error("an interrupted release is not recorded as failed yet", "app", r.App, "version", r.Version, "error", err)
		} else if err != nil {
			return err
		}
		e.event(paas.Event{
			App: r.App, Kind: paas.EventDeployFailed, User: r.User, Release: r.Version, Text: fmt.Sprintf("v%d failed: %s", r.Version, interrupted),
		})
	}
	return nil
}

// restoreApps makes sure that each app has its repository, and that the router knows no others.
func (e *Engine) restoreApps(ctx context.Context) error {
	apps, err := e.Store.Apps()
	if err != nil {
		return err
	}
	ids := make([]string, len(apps))
	for i, app := range apps {
		ids[i] = app.ID
		if err := e.Repos.Create(ctx, app.ID); err != nil {
			return fmt.Errorf("repository of %s: %w", app.Name, err)
		}
	}
	return e.retainRoutes(ctx, ids)
}

// retainRoutes drops routes of apps that are gone. A router that does not answer yet gets the right table later.
func (e *Engine) retainRoutes(ctx context.Context, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, e.Timings.Route)
	defer cancel()
	if err := e.Router.Retain(ctx, append(ids, e.KeepRoutes...)); err != nil && paas.CodeOf(err) != paas.Unavailable {
		return err
	}
	return nil
}

// recoverRuns follows detached runs that are still there, ends the records of all others, and removes instances whose
// client went with the earlier process.
func (e *Engine) recoverRuns(ctx context.Context) error {
	instances, err := e.Runtime.Instances(ctx, "")
	if err != nil {
		return err
	}
	runs, err := e.Store.UnfinishedRuns()
	if err != nil {
		return err
	}
	left := e.runsBefore(instances)
	for _, run := range runs {
		key := slotKey{run.App, run.Name()}
		i, there := left[key]
		switch {
		case !run.CreatedAt.Before(e.began):
		case run.Detached && there:
			delete(left, key)
			e.follow(run, i, detachedTimeout)
		default:
			err := e.endRun(run, 0, paas.Errorf(paas.Failed, interrupted))
			e.Log.Info("run was lost", "run", run.Name(), "reason", err)
		}
	}
	for _, i := range left {
		e.remove(ctx, i.ID, i.AppName)
	}
	return nil
}

// runsBefore are the one-offs among instances that are older than this engine.
func (e *Engine) runsBefore(instances []paas.Instance) map[slotKey]paas.Instance {
	left := map[slotKey]paas.Instance{}
	for _, i := range instances {
		if i.Type == paas.RunType && i.CreatedAt.Before(e.began) {
			left[slotKey{i.App, i.Name}] = i
		}
	}
	return left
}
