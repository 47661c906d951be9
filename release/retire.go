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
		e.event(paas.Event{App: app, Kind: paas.EventInstanceDraining, Release: i.Release, Instance: i.Name})
	}
	ends := e.endings(app, instances)
	e.behind(func(ctx context.Context) { e.endAll(ctx, ends) })
}

// ending is how the instances of one release go: by the checks of that release.
type ending struct {
	app       string // App.ID
	checks    paas.Checks
	instances []paas.Instance
}

// endings sorts instances by their releases. Those of a release that is not on the ledger end as by default.
func (e *Engine) endings(app string, instances []paas.Instance) []ending {
	byRelease := map[int][]paas.Instance{}
	for _, i := range instances {
		byRelease[i.Release] = append(byRelease[i.Release], i)
	}
	var ends []ending
	for version, some := range byRelease {
		rel, err := e.Store.Release(app, version)
		if err != nil {
			rel = paas.Release{}
			if paas.CodeOf(err) != paas.NotFound {
				e.Log.Warn("the checks of a release cannot be read, its instances end as by default", "app", app, "version", version, "error", err)
			}
		}
		ends = append(ends, ending{app: app, checks: rel.EffectiveChecks(), instances: some})
	}
	return ends
}

// endAll drains, stops and removes instances.
func (e *Engine) endAll(ctx context.Context, ends []ending) {
	var wg sync.WaitGroup
	for _, end := range ends {
		wg.Go(func() {
			e.drain(ctx, end)
			e.Reached("drain")
			for _, i := range end.instances {
				wg.Go(func() { e.end(ctx, end, i) })
			}
		})
	}
	wg.Wait()
}

// drain waits for the requests in flight to web instances among these.
func (e *Engine) drain(ctx context.Context, end ending) {
	var addrs []netip.AddrPort
	for _, i := range end.instances {
		if i.Port != 0 {
			addrs = append(addrs, i.AddrPort())
		}
	}
	if len(addrs) == 0 {
		return
	}
	limit := end.checks.Drain.Duration()
	cut, err := e.Router.Drain(ctx, addrs, limit)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		e.Log.Warn("drain is not confirmed, stopping anyway", "app", end.app, "error", err)
	case cut > 0:
		e.event(paas.Event{
			App: end.app, Kind: paas.EventDrainCut, Release: end.instances[0].Release,
			Text: fmt.Sprintf("%d connections were still open after %s and were cut", cut, limit),
		})
	}
}

// removeTimeout bounds the removal of one instance.
const removeTimeout = 30 * time.Second

// end stops and removes one instance.
func (e *Engine) end(ctx context.Context, end ending, i paas.Instance) {
	if ctx.Err() != nil {
		return // paasd stops: the next start finishes this
	}
	e.memory.setRetiring(i.ID, paas.InstanceStopping)
	grace := end.checks.StopAfter(i.Type)
	ev := paas.Event{App: end.app, Kind: paas.EventInstanceStopping, Release: i.Release, Instance: i.Name}
	e.event(ev)
	killed, err := e.Runtime.Stop(ctx, i.ID, grace)
	e.Reached("stop")
	switch {
	case err != nil && paas.CodeOf(err) != paas.NotFound:
		e.Log.Warn("instance did not stop", "app", i.AppName, "instance", i.Name, "error", err)
	case killed:
		ev.Kind, ev.Text = paas.EventInstanceKilled, fmt.Sprintf("Killed: it did not end within %s of SIGTERM", grace)
		e.event(ev)
	default:
		ev.Kind, ev.Text = paas.EventInstanceStopped, fmt.Sprintf("Stopped (v%d)", i.Release)
		e.event(ev)
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
