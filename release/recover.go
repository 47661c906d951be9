package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"paas"
)

const interrupted = "paasd stopped before it was done"

// Recover ends what an earlier process left in the middle; it comes before the doors open. Since every switch is one
// transaction of the store, whatever was interrupted either happened or did not. What needs the container engine, Work
// does once that answers.
func (e *Engine) Recover(ctx context.Context) error {
	runs, err := e.Store.UnfinishedRuns()
	if err := errors.Join(err, e.failPending(), e.restoreApps(ctx)); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	e.interrupted = runs
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

// retainTime is what a router that runs needs many times over to drop routes. One that does not is not waited for: the doors
// open without it, and without the container engine that it needs.
const retainTime = 2 * time.Second

// retainRoutes drops routes of apps that are gone. A router that does not answer yet gets the right table later.
func (e *Engine) retainRoutes(ctx context.Context, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, retainTime)
	defer cancel()
	if err := e.Router.Retain(ctx, append(ids, e.KeepRoutes...)); err != nil && paas.CodeOf(err) != paas.Unavailable {
		return err
	}
	return nil
}

// recoverRuns follows the detached runs of an earlier process that are still there and ends the records of all its others.
// Which they are was noted before the doors opened; times would not tell, since clocks are set back.
func (e *Engine) recoverRuns(ctx context.Context) error {
	instances, err := e.Runtime.Instances(ctx, "")
	if err != nil {
		return err
	}
	there := map[slotKey]paas.Instance{}
	for _, i := range instances {
		if i.Type == paas.RunType {
			there[slotKey{i.App, i.Name}] = i
		}
	}
	for _, run := range e.interrupted {
		i, ok := there[slotKey{run.App, run.Name()}]
		if run.Detached && ok {
			e.follow(run, i)
			continue
		}
		err := e.endRun(run, 0, paas.Errorf(paas.Failed, interrupted))
		e.Log.Info("run was lost", "run", run.Name(), "reason", err)
	}
	e.interrupted = nil
	e.removeOver(instances)
	return nil
}

// removeOver removes the instances of one-offs that are over: that nobody follows, because their client went with an
// earlier process, or because the engine was away when they should have gone.
func (e *Engine) removeOver(instances []paas.Instance) {
	for _, i := range instances {
		if i.Type != paas.RunType {
			continue
		}
		over, err := e.over(i)
		switch {
		case err != nil:
			e.Log.Error("the record of a run cannot be read", "app", i.AppName, "instance", i.Name, "error", err)
		case over:
			e.removeStray(i, "one-off is over")
		}
	}
}

// over says whether the record of a one-off, or of the release whose command it is, has come to its end.
func (e *Engine) over(i paas.Instance) (bool, error) {
	typ, n, _ := paas.ParseInstanceName(i.Name)
	if typ == paas.ReleaseCommand {
		rel, err := e.Store.Release(i.App, n)
		if paas.CodeOf(err) == paas.NotFound {
			return true, nil
		}
		return rel.Status != paas.ReleasePending, err
	}
	run, err := e.Store.Run(i.App, n)
	if paas.CodeOf(err) == paas.NotFound {
		return true, nil
	}
	return run.Status != paas.RunPending && run.Status != paas.RunRunning, err
}
