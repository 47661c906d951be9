package traefik

import (
	"context"
	"time"

	"paas/router"
)

// aliveEvery is how often it is looked whether Traefik answers.
const aliveEvery = time.Second

// Log implements router.Target.
func (t *Target) Log(ctx context.Context, fn func(router.LogEvent) error) error {
	if err := t.Healthy(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	live := t.table.Version
	t.mu.Unlock()
	if err := fn(router.LogEvent{Time: time.Now(), Version: live}); err != nil {
		return err
	}
	for sleep(ctx, aliveEvery) {
		if err := t.Healthy(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}
