package release

import (
	"context"
	"fmt"
	"slices"
	"sync"

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
	what string        // "deploy of 1a2b3c4 by ada"; empty for the engine's own repairs
	turn chan struct{} // closed when it may run
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
	t = &ticket{what: what, turn: make(chan struct{})}
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
		close(queue[0].turn)
	}
}
