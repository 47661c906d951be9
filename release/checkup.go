package release

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"paas"
)

// The bounds of health checks under way at one time: of all, and of one app, whose slow answers must not hold up others.
const (
	maxChecks       = 128
	maxChecksPerApp = 4
)

// rollCall is how often new releases and their intervals are taken notice of.
const rollCall = 10 * time.Second

// check probes the instances that are up, each app's at the interval of its release: three failures in a row and an
// instance is replaced. It looks at the engine only when somebody is due.
func (e *Engine) check(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	r := rounds{engine: e, byApp: map[string]*round{}, slots: make(chan struct{}, maxChecks)}
	defer r.underWay.Wait()
	for called := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Now()
		if now.Sub(called) >= rollCall {
			called = now
			r.call()
		}
		r.begin(ctx, now)
	}
}

// rounds are the health checks of all apps.
type rounds struct {
	engine   *Engine
	byApp    map[string]*round // by App.ID
	slots    chan struct{}
	underWay sync.WaitGroup
}

// round is the health checks of one app's current release.
type round struct {
	release paas.Release
	checks  paas.Checks
	next    time.Time
	busy    atomic.Bool // the last one is not over
}

// call brings the rounds up to date with the store.
func (r *rounds) call() {
	apps, err := r.engine.Store.Apps()
	if err != nil {
		r.engine.Log.Error("apps cannot be listed", "error", err)
		return
	}
	next := make(map[string]*round, len(apps))
	for _, app := range apps {
		if known := r.byApp[app.ID]; known != nil && known.release.Version == app.Current {
			next[app.ID] = known
			continue
		}
		rel, err := r.engine.Store.Release(app.ID, app.Current)
		switch {
		case err == nil:
			next[app.ID] = &round{release: rel, checks: rel.EffectiveChecks()}
		case paas.CodeOf(err) != paas.NotFound: // which an app without a release is
			r.engine.Log.Warn("an app's checks cannot be read", "app", app.Name, "error", err)
		}
	}
	r.byApp = next
}

// slack is how much a round may be early, since a ticker is not exact.
const slack = time.Second / 2

// begin starts the rounds that are due. It waits for none of them.
func (r *rounds) begin(ctx context.Context, now time.Time) {
	due := map[string]*round{}
	for app, one := range r.byApp {
		if !now.Add(slack).Before(one.next) && !one.busy.Load() {
			one.next = now.Add(one.checks.Interval.Duration())
			due[app] = one
		}
	}
	if len(due) == 0 {
		return
	}
	seen := map[string][]paas.Instance{}
	for _, i := range r.observe(ctx, due) {
		seen[i.App] = append(seen[i.App], i)
	}
	for app, one := range due {
		one.busy.Store(true)
		r.underWay.Go(func() {
			defer one.busy.Store(false)
			r.run(ctx, one, seen[app])
		})
	}
}

// fewApps are cheaper to look at one by one than all of them at once.
const fewApps = 4

// observe sees the instances of the apps that are due.
func (r *rounds) observe(ctx context.Context, due map[string]*round) []paas.Instance {
	if len(due) > fewApps {
		seen, err := r.engine.Runtime.Instances(ctx, "")
		if err != nil {
			return nil // the engine is away; watch says so
		}
		return seen
	}
	var seen []paas.Instance
	for app := range due {
		some, err := r.engine.Runtime.Instances(ctx, app)
		if err != nil {
			return nil
		}
		seen = append(seen, some...)
	}
	return seen
}

// run checks the instances of one app.
func (r *rounds) run(ctx context.Context, one *round, instances []paas.Instance) {
	var g errgroup.Group
	g.SetLimit(maxChecksPerApp)
	for _, i := range instances {
		_, leaving := r.engine.memory.retiringState(i.ID)
		if i.Release != one.release.Version || i.Type == paas.RunType || !i.Running || leaving || !r.engine.memory.isHealthy(i.ID) {
			continue
		}
		g.Go(func() error {
			r.slots <- struct{}{}
			defer func() { <-r.slots }()
			r.engine.checkOne(ctx, i, one.checks)
			return nil
		})
	}
	_ = g.Wait() // a check has no error, only a result
}

func (e *Engine) checkOne(ctx context.Context, i paas.Instance, c paas.Checks) {
	found := trouble{}
	switch {
	case i.Unhealthy:
		found.what = "the HEALTHCHECK of its image says unhealthy"
	case i.Port != 0:
		found = e.probe(ctx, e.target(i, c))
	}
	switch {
	case found.none():
		e.memory.setHealthy(i.ID)
	case ctx.Err() == nil && e.memory.fail(i.ID):
		e.event(paas.Event{
			App: i.App, Kind: paas.EventInstanceSick, Release: i.Release, Instance: i.Name,
			Text: fmt.Sprintf("Failed its health check %d times: %s", maxFailures, found),
		})
		e.mark(i.App)
	}
}
