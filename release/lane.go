package release

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"paas"
)

// maxQueued bounds the operations that wait for their turn in one app.
const maxQueued = 20

// lanes give each app one operation at a time, in the order of their arrival. Apps do not wait for each other.
type lanes struct {
	mu    sync.Mutex
	byApp map[string][]*ticket // the first runs, the others wait
}

type ticket struct {
	what  string        // "deploy of 1a2b3c4 by ada"; empty for the engine's own repairs
	since time.Time     // when it came, or got its turn
	turn  chan struct{} // closed when it may run
}

func (l *lanes) init() { l.byApp = map[string][]*ticket{} }

// do waits for app's turn and runs fn in it. ctx ends the wait; fn gets it unchanged. What is ahead is said on progress.
func (l *lanes) do(ctx context.Context, app, what string, progress Progress, fn func() error) error {
	t, ahead, err := l.enter(app, what)
	if err != nil {
		return err
	}
	defer l.leave(app, t)
	if ahead != "" && what != "" {
		fmt.Fprintf(progress, "Waiting for the %s\n", ahead)
	}
	select {
	case <-t.turn:
	case <-ctx.Done():
		return paas.Errorf(paas.Canceled, "the %s was canceled while it waited for its turn", what).Because(ctx.Err())
	}
	return fn()
}

func (l *lanes) enter(app, what string) (t *ticket, ahead string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.byApp[app]
	if len(queue) > maxQueued && what != "" {
		return nil, "", paas.Errorf(paas.RateLimited, "%d operations are waiting on this app already", maxQueued).
			WithHint("wait for them to end: paas releases")
	}
	t = &ticket{what: what, since: time.Now(), turn: make(chan struct{})}
	for _, other := range slices.Backward(queue) {
		if other.what != "" {
			ahead = other.what
			break
		}
	}
	l.byApp[app] = append(queue, t)
	if len(queue) == 0 {
		close(t.turn)
	}
	return t, ahead, nil
}

func (l *lanes) leave(app string, t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.byApp[app]
	i := slices.Index(queue, t)
	queue = slices.Delete(queue, i, i+1)
	if len(queue) == 0 {
		delete(l.byApp, app)
		return
	}
	l.byApp[app] = queue
	if i == 0 {
		queue[0].since = time.Now()
		close(queue[0].turn)
	}
}

// queue lists what is under way for app and what waits, besides the engine's own repairs.
func (l *lanes) queue(app string) []paas.Operation {
	l.mu.Lock()
	defer l.mu.Unlock()
	operations := []paas.Operation{}
	for _, t := range l.byApp[app] {
		if t.what != "" {
			operations = append(operations, paas.Operation{Name: t.what, Since: t.since})
		}
	}
	return operations
}
