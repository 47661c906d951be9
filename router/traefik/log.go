package traefik

import (
	"context"
	"time"

	"paas/router"
)

// How often it is looked for new lines, and whether Traefik answers.
const (
	tailEvery  = 100 * time.Millisecond
	aliveEvery = time.Second
)

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
	lines := &tail{dir: t.opts.Dir, reopen: t.opts.Reopen, skip: func(n int64) {
		t.opts.Log.Warn("request lines were passed over, nobody read the log in time", "bytes", n)
	}}
	defer lines.close()
	for alive := time.Now(); sleep(ctx, tailEvery); {
		if err := lines.next(ctx, func(line []byte) error { return t.relay(line, fn) }); err != nil {
			return err
		}
		if time.Since(alive) < aliveEvery {
			continue
		}
		if err := t.Healthy(ctx); err != nil {
			return err
		}
		alive = time.Now()
	}
	return ctx.Err()
}

func (t *Target) relay(line []byte, fn func(router.LogEvent) error) error {
	ev, ok := parseAccess(line, t.instance)
	if !ok {
		return nil
	}
	return fn(ev)
}

// instance is the one that has, or had, the address.
func (t *Target) instance(addr string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names[addr]
}
