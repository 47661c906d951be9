package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"paas"
)

// leftoversTimeout bounds the removal of what a destroyed app had on the host, after its instances have ended.
const leftoversTimeout = time.Minute

// clear removes what a destroyed app may still have on the host, once ends, which may be none, have ended. Only then
// its subnet is given out again. What does not work now is tried again by the next sweep, of whichever paasd.
func (e *Engine) clear(app paas.App, ends []ending) {
	if _, busy := e.clearing.LoadOrStore(app.ID, true); busy {
		return
	}
	e.memory.pardon(app.ID)
	for _, end := range ends {
		for _, i := range end.instances {
			e.memory.setRetiring(i.ID, paas.InstanceDraining) // they end in good order, not as strays
		}
	}
	e.behind(func(ctx context.Context) {
		defer e.clearing.Delete(app.ID)
		e.endAll(ctx, ends)
		ctx, cancel := context.WithTimeout(ctx, leftoversTimeout)
		defer cancel()
		if err := e.removeLeftovers(ctx, app); ctx.Err() == nil {
			e.sayOnce("what is left of "+app.Name, err)
		}
	})
}

func (e *Engine) removeLeftovers(ctx context.Context, app paas.App) error {
	instances, err := e.Runtime.Instances(ctx, app.ID)
	for _, i := range instances {
		err = errors.Join(err, e.Runtime.Remove(ctx, i.ID))
		e.memory.forget(i.ID)
	}
	if err != nil {
		return err
	}
	found, err := e.findGarbage(ctx, app.ID)
	if err == nil {
		_, err = e.sweepOut(ctx, found)
	}
	if err != nil {
		return err
	}
	err = errors.Join(e.Runtime.RemoveNetwork(ctx, app.ID), e.Builds.RemoveApp(ctx, app.ID), e.Logs.Remove(app.ID))
	if err != nil {
		return err
	}
	if err := e.Store.ForgetApp(app.ID); err != nil {
		return fmt.Errorf("forget %s: %w", app.Name, err)
	}
	return nil
}

// clearGone takes up the destroyed apps that something may be left of.
func (e *Engine) clearGone() {
	gone, err := e.Store.GoneApps()
	if err != nil {
		e.Log.Error("destroyed apps cannot be listed", "error", err)
	}
	for _, app := range gone {
		e.clear(app, nil)
	}
}
