package release

import (
	"context"
	"fmt"
	"time"

	"paas"
)

// A release with auto-rollback is given up when a slot has crashed so often within so short a time of its switch.
const (
	crashLoop     = 3
	firstMinutes  = 5 * time.Minute
	autoOperation = "automatic rollback"
)

// giveUp rolls app back from rel where rel crash-loops and asks for that. It returns at once; the rollback takes its turn.
func (e *Engine) giveUp(app paas.App, rel paas.Release) {
	if rel.EffectiveChecks().AutoRollback != paas.On || rel.User == paas.PlatformUser {
		return // what the platform went back to by itself, it does not leave by itself
	}
	if ago := e.Now().Sub(rel.FinishedAt); ago < 0 || ago > firstMinutes {
		return // or nobody knows when it was, since the clock was set back
	}
	slot, c, found := e.memory.worst(app.ID)
	if !found || c.Count < crashLoop {
		return
	}
	to, err := e.before(app)
	if err != nil || !e.memory.giveUp(app.ID, rel.Version) {
		return // nothing to go back to, or it has been tried
	}
	e.event(paas.Event{
		App: app.ID, Kind: paas.EventAutoRollback, Release: rel.Version, Instance: slot,
		Text: fmt.Sprintf("v%d crash-loops: %s; going back to v%d", rel.Version, c.Reason, to),
	})
	e.behind(func(ctx context.Context) {
		if err := e.rollbackFrom(ctx, app, rel.Version, to); err != nil && ctx.Err() == nil {
			e.Log.Error("a release that crash-loops is not rolled back", "app", app.Name, "version", rel.Version, "to", to, "error", err)
		}
	})
}

// rollbackFrom goes back to release `to` unless somebody has left release `from` before its turn came.
func (e *Engine) rollbackFrom(ctx context.Context, app paas.App, from, to int) error {
	return e.lanes.do(ctx, app.ID, autoOperation, nothing{}, func() error {
		record, err := e.Store.App(app.ID)
		if err != nil || record.Current != from {
			return err
		}
		_, err = e.rollbackTo(ctx, record, to, nothing{})
		return err
	})
}
