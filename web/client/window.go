package client

import (
	"context"
	"sync"
)

// window counts the bytes of stdin that may still be sent. One goroutine takes, another gives.
type window struct {
	mu    sync.Mutex
	free  int
	given chan struct{} // capacity 1
}

func newWindow(size int) *window { return &window{free: size, given: make(chan struct{}, 1)} }

// take waits until some of want may be sent, and returns how much.
func (w *window) take(ctx context.Context, want int) (int, error) {
	for {
		if n := w.grab(want); n > 0 {
			return n, nil
		}
		select {
		case <-w.given:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (w *window) grab(want int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(want, w.free)
	w.free -= n
	return n
}

func (w *window) give(n int) {
	w.mu.Lock()
	w.free += n
	w.mu.Unlock()
	select {
	case w.given <- struct{}{}:
	default:
	}
}
