package proxy

import (
	"strings"
	"sync"
	"time"
)

// maxHeld bounds the requests of one app that wait; more are answered at once.
const maxHeld = 100

// lookHeld is how often a request that waits looks whether its client has gone.
const lookHeld = 250 * time.Millisecond

// queue is the requests of one app that wait for it, in their order.
type queue struct {
	mu   sync.Mutex
	n    int
	last chan struct{} // closed when the one that came last has gone on
}

// enter takes a place. before is closed when the one in front has gone on; gone must be closed, by leave, for the next.
// ok is false where the queue is full.
func (q *queue) enter() (before, gone chan struct{}, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == maxHeld {
		return nil, nil, false
	}
	q.n++
	before, gone = q.last, make(chan struct{})
	q.last = gone
	return before, gone, true
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

func (q *queue) leave(gone chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.n--
	if q.last == gone {
		q.last = nil
	}
	close(gone)
}

// holds says whether requests to a wait for it: it is paused, or booting.
func (a *app) holds() bool {
	return !a.maintenance && (a.paused || len(a.backends) == 0 && a.down == booting)
}

// hold lets the request wait until its app takes requests, for a while. "" means that it does, and that it is this one's
// turn; the others go on once the caller has closed turn.
func (ex *exchange) hold(a *app) (turn func(), failure code) {
	if a.paused && a.health != "" && pathOf(ex.req.target) == a.health {
		return nil, healthy
	}
	q := &a.share.held
	before, gone, ok := q.enter()
	if !ok {
		return nil, booting
	}
	a.share.tally.held.Add(1)
	late := time.NewTimer(ex.h.timeouts.Hold)
	look := time.NewTicker(lookHeld)
	defer late.Stop()
	defer look.Stop()
	for {
		version := ex.h.live.current.Load()
		var changed <-chan struct{}
		now := version.find(ex.host, ex.req.target)
		switch {
		case now != nil && now.share == a.share && now.holds():
			changed = version.replaced
		case before == nil:
			return sync.OnceFunc(func() { q.leave(gone) }), ""
		}
		select {
		case <-changed:
		case <-before:
			before = nil
		case <-look.C:
			if ex.front.gone() {
				q.leave(gone)
				return nil, clientGone
			}
		case <-late.C:
			q.leave(gone)
			return nil, booting
		}
	}
}

func pathOf(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return path
}
