package router

import (
	"context"
	"time"
)

const (
	firstWait = 20 * time.Millisecond
	maxWait   = time.Second
)

// backoff grows the wait between attempts: 20 ms, doubling, at most 1 s.
type backoff struct {
	next time.Duration
}

func newBackoff() *backoff { return &backoff{next: firstWait} }

// sleep waits and says whether ctx is still good.
func (b *backoff) sleep(ctx context.Context) bool {
	t := time.NewTimer(b.next)
	defer t.Stop()
	b.next = min(2*b.next, maxWait)
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
