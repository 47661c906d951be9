package release

import (
	"context"
	"sync"
)

// background is the work that goes on behind what users wait for. Once closed it takes no more.
type background struct {
	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

// begin runs fn beside the caller, and says whether it could.
func (b *background) begin(fn func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.work.Go(fn)
	}
	return !b.closed
}

// close returns when all that was begun has ended.
func (b *background) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.work.Wait()
}

// behind runs fn in the background, with the engine's life as its context. Once that has ended there is nothing to begin:
// what is left is for the next start.
func (e *Engine) behind(fn func(ctx context.Context)) {
	e.background.begin(func() { fn(e.life) })
}
