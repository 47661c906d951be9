package release

import (
	"context"
	"fmt"
	"sync"
	"time"

	"paas"
)

// maxChecks bounds the health checks under way at one time.
const maxChecks = 32

// roll is how often new releases and their intervals are taken notice of, in seconds.
const roll = 10

// check probes the instances that are up, each app's at the interval of its release: three failures in a row and an
// instance is replaced. It counts seconds, and looks at the engine only in those in which somebody is due.
func (e *Engine) check(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	r := rounds{byApp: map[string]paas.Release{}}
	for second := 1; ; second++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if second%roll == 0 {
			e.callRoll(&r)
		}
		e.checkAll(ctx, r.due(second), len(r.byApp))
	}
}

// rounds knows the apps to check: by id, the release that should run.
type rounds struct{ byApp map[string]paas.Release }

// callRoll brings r up to date. What cannot be read now stays as it was.
func (e *Engine) callRoll(r *rounds) {
	apps, err := e.Store.Apps()
	if err != nil {
		e.Log.Error("apps cannot be listed", "error", err)
		return
	}
	next := make(map[string]paas.Release, len(apps))
	for _, app := range apps {
		rel := r.byApp[app.ID]
		if rel.Version != app.Current {
			rel, err = e.Store.Release(app.ID, app.Current)
		}
		if err == nil && app.Current != 0 {
			next[app.ID] = rel
		}
	}
	r.byApp = next
}

// due are the releases to check in this second.
func (r rounds) due(second int) map[string]paas.Release {
	due := map[string]paas.Release{}
	for app, rel := range r.byApp {
		if second%int(rel.EffectiveChecks().Interval) == 0 {
			due[app] = rel
		}
	}
	return due
}

// checkAll checks the instances of the releases that are due, by App.ID, of all apps there are.
func (e *Engine) checkAll(ctx context.Context, due map[string]paas.Release, all int) {
	if len(due) == 0 {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxChecks)
	for _, i := range e.observeDue(ctx, due, all) {
		rel, isDue := due[i.App]
		_, leaving := e.memory.retiringState(i.ID)
		if !isDue || i.Release != rel.Version || i.Type == paas.RunType || !i.Running || leaving || !e.memory.isHealthy(i.ID) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			e.checkOne(ctx, i, rel.EffectiveChecks())
		})
	}
}

// observeDue sees the instances of the apps that are due: in one look where that is most of them.
func (e *Engine) observeDue(ctx context.Context, due map[string]paas.Release, all int) []paas.Instance {
	if 2*len(due) >= all {
		seen, err := e.Runtime.Instances(ctx, "")
		if err != nil {
			return nil // the engine is away; watch says so
		}
		return seen
	}
	var seen []paas.Instance
	for app := range due {
		some, err := e.Runtime.Instances(ctx, app)
		if err != nil {
			return nil
		}
		seen = append(seen, some...)
	}
	return seen
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
		e.note(i.App, i.Name, fmt.Sprintf("Failed its health check %d times: %s", maxFailures, found))
		e.mark(i.App)
	}
}
