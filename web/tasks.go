package web

import (
	"context"
	"sync"
)

// tasks counts work under way; unlike a sync.WaitGroup it can be waited for with a context while work still begins.
type tasks struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed while n is 0
}

func newTasks() *tasks {
	t := &tasks{idle: make(chan struct{})}
	close(t.idle)
	return t
}

func (t *tasks) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		t.idle = make(chan struct{})
	}
	t.n++
}

func (t *tasks) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 {
		close(t.idle)
	}
}

func (t *tasks) wait(ctx context.Context) error {
	t.mu.Lock()
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
