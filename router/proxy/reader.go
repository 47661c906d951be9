package proxy

import (
	"context"
	"sync"
)

// reader lets one at a time read the log: whoever comes takes over.
type reader struct {
	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan struct{} // closed when the present one has ended
}

// take ends the present reader, waits for it and returns the context of the new one, which must call done.
func (r *reader) take(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	mine := make(chan struct{})
	r.mu.Lock()
	before, cancelBefore := r.done, r.cancel
	r.done, r.cancel = mine, cancel
	r.mu.Unlock()
	if before != nil {
		cancelBefore()
		select {
		case <-before:
		case <-ctx.Done():
		}
	}
	return ctx, func() {
		cancel()
		close(mine)
	}
}
