package release

import (
	"context"
	"fmt"
	"time"

	"paas"
)

// watch marks the apps that the container engine says something about, and sends on missed when it may have said more.
func (e *Engine) watch(ctx context.Context, missed chan<- struct{}) error {
	err := e.Runtime.Events(ctx, func(ev paas.InstanceEvent) {
		switch ev.Kind {
		case "resync":
			select {
			case missed <- struct{}{}:
			default: // a sweep is to come anyway
			}
			return
		case "die":
			e.memory.died(ev.ID, ev.ExitCode)
		}
		if ev.App != "" {
			e.mark(ev.App)
		}
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// sweep looks at everything as soon as events may have been missed, which they have been at the start, and now and then.
func (e *Engine) sweep(ctx context.Context, missed <-chan struct{}) error {
	recovered := false
	for wait := e.Timings.Sweep; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-missed:
		case <-time.After(wait):
		}
		e.payOwed()
		err := e.sweepOnce(ctx)
		if err == nil && !recovered {
			err = e.recoverRuns(ctx)
			if recovered = err == nil; recovered {
				close(e.recovered)
			}
		}
		wait = e.Timings.Sweep
		if ctx.Err() != nil {
			return nil
		}
		e.sayOnce(everything, err)
		if err != nil {
			wait = retryRepair
		}
	}
}

// sweepOnce marks every app, and removes instances of apps that have no record, one-offs that are over, and what destroyed
// apps left.
func (e *Engine) sweepOnce(ctx context.Context) error {
	all, err := e.Runtime.Instances(ctx, "")
	if err != nil {
		return fmt.Errorf("observe everything: %w", err)
	}
	apps, err := e.Store.Apps()
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(apps))
	for _, app := range apps {
		known[app.ID] = true
	}
	alive := make(map[string]bool, len(all))
	for _, i := range all {
		alive[i.ID] = true
		if !known[i.App] {
			e.removeStray(i, "app is gone")
		}
	}
	e.memory.retain(alive)
	e.removeOver(all)
	e.clearGone()
	for _, app := range apps {
		e.mark(app.ID)
	}
	return nil
}

// removeStrays ends all instances of an app that is gone, or never was.
func (e *Engine) removeStrays(ctx context.Context, app string) error {
	left, err := e.Runtime.Instances(ctx, app)
	for _, i := range left {
		e.removeStray(i, "app is gone")
	}
	return err
}

// removeStray ends an instance that is nobody's any more.
func (e *Engine) removeStray(i paas.Instance, why string) {
	if _, leaving := e.memory.retiringState(i.ID); leaving {
		return
	}
	e.Log.Info("removing a stray instance", "app", i.AppName, "instance", i.Name, "reason", why)
	e.memory.setRetiring(i.ID, paas.InstanceStopping)
	e.behind(func(ctx context.Context) { e.remove(ctx, i.ID, i.AppName) })
}
