package release

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"paas"
)

// retire lets go of running instances in the background: no new request reaches them any more, those in flight finish,
// then SIGTERM, the grace, SIGKILL, and they are removed. It returns at once and holds no app's queue.
func (e *Engine) retire(app string, instances []paas.Instance) {
	if len(instances) == 0 {
		return
	}
	for _, i := range instances {
		e.memory.setRetiring(i.ID, paas.InstanceDraining)
	}
	e.behind(func(ctx context.Context) {
		e.endAll(ctx, app, instances)
	})
}

// endAll drains, stops and removes instances.
func (e *Engine) endAll(ctx context.Context, app string, instances []paas.Instance) {
	e.drain(ctx, app, instances)
	var wg sync.WaitGroup
	for _, i := range instances {
		wg.Go(func() { e.end(ctx, app, i) })
	}
	wg.Wait()
}

// drain waits for the requests in flight to web instances among these.
func (e *Engine) drain(ctx context.Context, app string, instances []paas.Instance) {
	var addrs []netip.AddrPort
	for _, i := range instances {
		if i.Port != 0 {
			addrs = append(addrs, i.AddrPort())
		}
	}
	if len(addrs) == 0 {
		return
	}
	cut, err := e.Router.Drain(ctx, addrs, e.Timings.Drain)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		e.Log.Warn("drain is not confirmed, stopping anyway", "app", app, "error", err)
	case cut > 0:
		e.note(app, "drain", fmt.Sprintf("%d connections were still open after %s and were cut", cut, e.Timings.Drain))
	}
}

// removeTimeout bounds the removal of one instance.
const removeTimeout = 30 * time.Second

// end stops and removes one instance.
func (e *Engine) end(ctx context.Context, app string, i paas.Instance) {
	if ctx.Err() != nil {
		return // paasd stops: the next start finishes this
	}
	e.memory.setRetiring(i.ID, paas.InstanceStopping)
	killed, err := e.Runtime.Stop(ctx, i.ID, e.Timings.Grace)
	switch {
	case err != nil && paas.CodeOf(err) != paas.NotFound:
		e.Log.Warn("instance did not stop", "app", i.AppName, "instance", i.Name, "error", err)
	case killed:
		e.note(app, i.Name, fmt.Sprintf("Killed: it did not end within %s of SIGTERM", e.Timings.Grace))
	default:
		e.note(app, i.Name, fmt.Sprintf("Stopped (v%d)", i.Release))
	}
	e.remove(ctx, i.ID, i.AppName)
}

// remove deletes an instance that is no longer wanted. What cannot be removed now is forgotten, so that the next sweep
// takes it up again.
func (e *Engine) remove(ctx context.Context, id, appName string) {
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	if err := e.Runtime.Remove(ctx, id); err != nil {
		e.Log.Warn("instance is not removed yet", "app", appName, "instance", id, "error", err)
	}
	e.memory.forget(id)
}

// removeAll removes instances that do not run, in the background.
func (e *Engine) removeAll(app string, steps []Step) {
	if len(steps) == 0 {
		return
	}
	for _, s := range steps {
		e.memory.setRetiring(s.ID, paas.InstanceStopping)
	}
	e.behind(func(ctx context.Context) {
		for _, s := range steps {
			e.remove(ctx, s.ID, app)
		}
	})
}
