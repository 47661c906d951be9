package proxy

import (
	"context"
	"sync"
	"time"

	"paas/router"
)

const (
	ringLines = 8192
	ringBytes = 4 << 20
)

// ring holds the request lines that the controller has not read yet. It never makes a request wait: when it is full
// the oldest line goes, and is counted for its app.
type ring struct {
	maxLines, maxBytes int

	mu      sync.Mutex
	lines   []router.LogEvent // a circle from head
	head, n int
	bytes   int
	dropped map[string]int // by app
	wake    chan struct{}  // has a token when there is something new
	closed  bool
}

func newRing(lines, bytes int) *ring {
	return &ring{maxLines: lines, maxBytes: bytes, dropped: map[string]int{}, wake: make(chan struct{}, 1)}
}

// add takes a line of an app.
func (r *ring) add(app string, at time.Time, text string) {
	r.mu.Lock()
	for r.n > 0 && (r.n == r.maxLines || r.bytes+len(text) > r.maxBytes) {
		r.dropped[r.shift().App]++
	}
	if r.n == len(r.lines) {
		r.grow()
	}
	r.lines[(r.head+r.n)%len(r.lines)] = router.LogEvent{App: app, Time: at, Text: text}
	r.n++
	r.bytes += len(text)
	r.mu.Unlock()
	r.notify()
}

func (r *ring) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *ring) shift() router.LogEvent {
	ev := r.lines[r.head]
	r.lines[r.head] = router.LogEvent{}
	r.head = (r.head + 1) % len(r.lines)
	r.n--
	r.bytes -= len(ev.Text)
	return ev
}

func (r *ring) grow() {
	lines := make([]router.LogEvent, min(r.maxLines, max(64, 2*len(r.lines))))
	for i := range r.n {
		lines[i] = r.lines[(r.head+i)%len(r.lines)]
	}
	r.lines, r.head = lines, 0
}

// take moves up to len(buf) events into buf: first what says how many lines were dropped, then lines in order. more is
// false once the ring is closed and empty.
func (r *ring) take(buf []router.LogEvent, now time.Time) (n int, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for app, count := range r.dropped {
		if n == len(buf) {
			break
		}
		buf[n] = router.LogEvent{App: app, Time: now, Text: droppedLine(count)}
		delete(r.dropped, app)
		n++
	}
	for n < len(buf) && r.n > 0 {
		buf[n] = r.shift()
		n++
	}
	return n, n > 0 || !r.closed
}

// wait blocks until there may be something to take, or ctx ends.
func (r *ring) wait(ctx context.Context) {
	select {
	case <-r.wake:
	case <-ctx.Done():
	}
}

// close lets a reader end once it has taken what there is.
func (r *ring) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.notify()
}
