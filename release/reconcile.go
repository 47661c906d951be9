package release

import (
	"context"
	"time"

	"paas"
)

// reconcileTimeout bounds one repair; what it did not manage, the next sweep tries again.
const reconcileTimeout = 5 * time.Minute

// retryRepair is the wait after a repair that did not succeed, because the engine or the router is away.
const retryRepair = 2 * time.Second

// mark asks for a reconcile of app in its next turn. It returns at once; marks before that turn are one reconcile.
func (e *Engine) mark(app string) {
	e.dirtyMu.Lock()
	defer e.dirtyMu.Unlock()
	if e.dirty[app] || e.life.Err() != nil {
		return
	}
	e.dirty[app] = true
	e.behind(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, reconcileTimeout)
		defer cancel()
		err := e.lanes.do(ctx, app, "", nil, func() error {
			e.dirtyMu.Lock()
			delete(e.dirty, app)
			e.dirtyMu.Unlock()
			return e.reconcile(ctx, app)
		})
		if ctx.Err() != nil {
			return
		}
		if paas.CodeOf(err) == paas.NotFound { // the app is gone
			err = nil
		}
		e.sayOnce(app, err)
		if err != nil {
			e.later(app, retryRepair)
		}
	})
}

// everything stands for the sweep where apps stand for themselves.
const everything = "everything"

// sayOnce logs why app, or everything, is not as desired, once for as long as it is the same: it is tried again every few
// seconds.
func (e *Engine) sayOnce(app string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	e.dirtyMu.Lock()
	before := e.said[app]
	e.said[app] = text
	if text == "" {
		delete(e.said, app)
	}
	e.dirtyMu.Unlock()
	switch text {
	case before:
	case "":
		e.Log.Info("as desired again", "app", app)
	default:
		e.Log.Warn("not as desired yet", "app", app, "error", err)
	}
}

// reconcile moves what runs to what the store says. The caller holds app's lane.
func (e *Engine) reconcile(ctx context.Context, id string) error {
	app, err := e.Store.App(id)
	if paas.CodeOf(err) == paas.NotFound {
		return e.removeStrays(ctx, id)
	}
	if err != nil {
		return err
	}
	var rel paas.Release
	var config paas.Config
	if app.Current != 0 {
		if rel, config, err = e.entry(app, app.Current); err != nil {
			return err
		}
	}
	m := &move{engine: e, app: app, want: app, release: rel, config: config, progress: nothing{}, what: "repair"}
	if err := m.run(ctx); err != nil {
		return err
	}
	e.giveUp(app, rel)
	e.schedule(app, rel)
	return nil
}

// schedule marks the app again when its first held back restart is due.
func (e *Engine) schedule(app paas.App, rel paas.Release) {
	var next time.Time
	for _, slot := range desire(app, rel, e.memory.retryAt(app.ID)).Slots {
		if slot.RetryAt.After(e.Now()) && (next.IsZero() || slot.RetryAt.Before(next)) {
			next = slot.RetryAt
		}
	}
	if !next.IsZero() {
		e.later(app.ID, next.Sub(e.Now()))
	}
}

// later marks app after a while, unless something does so before.
func (e *Engine) later(app string, wait time.Duration) {
	e.dirtyMu.Lock()
	defer e.dirtyMu.Unlock()
	if t := e.timers[app]; t != nil {
		t.Stop()
	}
	if e.life.Err() == nil {
		e.timers[app] = time.AfterFunc(wait, func() { e.mark(app) })
	}
}

// nothing takes the progress of repairs, which go to the log stream only.
type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }
