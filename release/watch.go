package release

import (
	"context"
	"time"

	"paas"
)

// watch marks the apps that the container engine says something about.
func (e *Engine) watch(ctx context.Context) error {
	recovered := false
	err := e.Runtime.Events(ctx, func(ev paas.InstanceEvent) {
		if ev.Kind == "resync" {
			if !recovered {
				err := e.recoverRuns(ctx)
				if recovered = err == nil; !recovered {
					e.Log.Warn("runs are not recovered yet", "error", err)
				}
			}
			e.markAll()
			return
		}
		if ev.Kind == "die" {
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

// sweep looks at everything now and then, since events can be missed.
func (e *Engine) sweep(ctx context.Context) error {
	tick := time.NewTicker(e.Timings.Sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		e.sweepOnce(ctx)
	}
}

// sweepOnce marks every app, and removes instances of apps that have no record.
func (e *Engine) sweepOnce(ctx context.Context) {
	all, err := e.Runtime.Instances(ctx, "")
	if err != nil {
		e.Log.Warn("sweep cannot see the instances", "error", err)
		return
	}
	alive := make(map[string]bool, len(all))
	for _, i := range all {
		alive[i.ID] = true
		if _, err := e.Store.App(i.App); paas.CodeOf(err) == paas.NotFound {
			e.removeOrphan(i)
		}
	}
	e.memory.retain(alive)
	e.markAll()
}

// removeOrphans ends all instances of an app that is gone, or never was.
func (e *Engine) removeOrphans(ctx context.Context, app string) error {
	left, err := e.Runtime.Instances(ctx, app)
	for _, i := range left {
		e.removeOrphan(i)
	}
	return err
}

// removeOrphan ends an instance of an app that is gone.
func (e *Engine) removeOrphan(i paas.Instance) {
	if _, leaving := e.memory.retiringState(i.ID); leaving {
		return
	}
	e.Log.Info("removing an instance of an app that is gone", "app", i.AppName, "instance", i.Name)
	e.memory.setRetiring(i.ID, paas.InstanceStopping)
	e.behind(func(ctx context.Context) { e.remove(ctx, i.ID, i.AppName) })
}

func (e *Engine) markAll() {
	apps, err := e.Store.Apps()
	if err != nil {
		e.Log.Error("apps cannot be listed", "error", err)
		return
	}
	for _, app := range apps {
		e.mark(app.ID)
	}
}
