package proxy

import (
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// idleConn is how long a connection may lie unused. Servers close theirs after 2 s (gunicorn), 5 s (Node) and more;
	// a close that has arrived is seen before use, see conn.alive.
	idleConn = 30 * time.Second
	// idleOnce is the same for a request that could not be sent again if the backend closes just then.
	idleOnce = time.Second
	// maxIdle bounds the unused connections to one backend.
	maxIdle = 512
	// shunFirst and shunLast bound how long a backend that could not be connected to is passed over while there is
	// another: at first a second, twice as long each time that it fails again.
	shunFirst = time.Second
	shunLast  = 30 * time.Second
)

// backend is an instance: what is in flight to it and the connections kept for it.
type backend struct {
	app      string
	instance string
	addr     netip.AddrPort
	version  int // of its release
	forget   func(*backend)

	inflight atomic.Int32  // len(active), readable without the lock
	failures atomic.Int32  // to connect, in a row
	shunned  atomic.Int64  // with failures: until then, in clock time
	probing  atomic.Bool   // with failures: one request is trying whether it is back
	failed   atomic.Uint64 // of its requests, in all

	mu       sync.Mutex
	requests uint64 // in all
	active   []*exchange
	idle     []*conn         // the one used last at the end
	calls    *http.Transport // of gRPC; nil before the first
	retired  bool            // takes no new request
	empty    chan struct{}
}

func newBackend(key backendKey, forget func(*backend)) *backend {
	return &backend{
		app: key.app, instance: key.Instance, addr: key.Addr, version: key.Release, forget: forget, empty: make(chan struct{}),
	}
}

// acquire counts ex as in flight and gives it a kept connection that was used within maxAge, nil if there is none. It
// refuses once the backend is retired.
func (b *backend) acquire(ex *exchange, maxAge time.Duration) (c *conn, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retired {
		return nil, false
	}
	ex.slot = len(b.active)
	b.active = append(b.active, ex)
	b.inflight.Add(1)
	b.requests++
	if last := len(b.idle) - 1; last >= 0 && clock()-b.idle[last].usedAt < maxAge {
		c, b.idle[last] = b.idle[last], nil
		b.idle = b.idle[:last]
	}
	return c, true
}

// release ends what acquire began and keeps c, unless it is nil, for the next.
func (b *backend) release(ex *exchange, c *conn) {
	if ex.probe {
		ex.probe = false
		b.probing.Store(false)
	}
	b.mu.Lock()
	last := len(b.active) - 1
	b.active[ex.slot] = b.active[last]
	b.active[ex.slot].slot = ex.slot
	b.active[last] = nil
	b.active = b.active[:last]
	b.inflight.Add(-1)
	if c != nil && !b.retired && len(b.idle) < maxIdle {
		c.usedAt = clock()
		b.idle = append(b.idle, c)
		c = nil
	}
	done := b.retired && last == 0
	b.mu.Unlock()
	if c != nil {
		c.shut()
	}
	if done {
		b.closeStreams()
		b.forget(b)
		close(b.empty)
	}
}

// retire lets no new request in and says whether none is in flight. It is called once.
func (b *backend) retire() (empty bool) {
	b.mu.Lock()
	b.retired = true
	empty = len(b.active) == 0
	b.mu.Unlock()
	b.closeIdle(0)
	if empty {
		close(b.empty)
	}
	return empty
}

// cutAll ends what is in flight and says how much that was.
func (b *backend) cutAll() (cut int) {
	b.mu.Lock() // which keeps each where it is: release waits
	defer b.mu.Unlock()
	for _, ex := range b.active {
		if ex.cut(causeDrained) {
			cut++
		}
	}
	return cut
}

// inspect cuts what is overdue, or has no client any more.
func (b *backend) inspect(now time.Duration) {
	if b.inflight.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, ex := range b.active {
		ex.inspect(now)
	}
}

// closeIdle closes connections unused for age or longer.
func (b *backend) closeIdle(age time.Duration) {
	b.mu.Lock()
	n := 0
	for n < len(b.idle) && clock()-b.idle[n].usedAt >= age {
		n++
	}
	old := append([]*conn(nil), b.idle[:n]...)
	b.idle = append(b.idle[:0:0], b.idle[n:]...)
	b.mu.Unlock()
	for _, c := range old {
		c.shut()
	}
	if age == 0 {
		b.closeStreams() // they age by themselves
	}
}

// shun passes over a backend that could not be connected to. first says that until now it was not.
func (b *backend) shun() (first bool) {
	b.failed.Add(1)
	n := b.failures.Add(1)
	b.shunned.Store(int64(clock() + min(shunFirst<<min(n-1, 10), shunLast)))
	return n == 1
}

// works ends that.
func (b *backend) works() {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
}

// isShunned says whether b is to be passed over: its time is not up, or it is and one request is trying it.
func (b *backend) isShunned() bool {
	return b.failures.Load() != 0 && (b.probing.Load() || int64(clock()) < b.shunned.Load())
}

// claim says whether a request may have b. Of those that come when a shunned one's time is up, one gets it, as a probe.
func (b *backend) claim() (ok, probe bool) {
	if b.failures.Load() == 0 || b.isShunned() { // the latter is picked where there is no other
		return true, false
	}
	ok = b.probing.CompareAndSwap(false, true)
	return ok, ok
}

var epoch = time.Now()

// clock is monotonic, so that a host clock that jumps neither ages nor revives anything.
func clock() time.Duration { return time.Since(epoch) }
