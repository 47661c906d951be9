package build

import (
	"context"
	"slices"
	"sync"
)

// queue lets one push of an app through at a time, and as many builds at once as there are builders. Of the pushes
// that wait for one app only the newest stays.
type queue struct {
	mu       sync.Mutex
	builders int                // free
	lanes    map[string]*ticket // who holds each app's lane
	waiting  []*ticket          // in order of arrival
}

// ticket is a push's place in the queue. Whoever entered must leave.
type ticket struct {
	app        string
	building   bool          // holds a builder
	granted    chan struct{} // closed when its turn has come: it holds the lane and a builder
	superseded chan struct{} // closed when a newer push took its place
}

func newQueue(builders int) *queue {
	return &queue{builders: builders, lanes: map[string]*ticket{}}
}

// enter takes a place for a push of app, superseding one that waits, and says how many builds are ahead of it; 0 means
// that its turn has come.
func (q *queue) enter(app string) (t *ticket, ahead int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t = &ticket{app: app, granted: make(chan struct{}), superseded: make(chan struct{})}
	q.waiting = slices.DeleteFunc(q.waiting, func(old *ticket) bool {
		if old.app == app {
			close(old.superseded)
		}
		return old.app == app
	})
	q.waiting = append(q.waiting, t)
	q.grant()
	return t, q.ahead(t)
}

// wait returns nil once the ticket's turn has come, errSuperseded when it never will, or ctx's cause.
func (q *queue) wait(ctx context.Context, t *ticket) error {
	select {
	case <-t.granted:
		return nil
	case <-t.superseded:
		return errSuperseded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// built gives the builder back; the ticket keeps its app's lane.
func (q *queue) built(t *ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free(t)
	q.grant()
}

// leave gives everything back, wherever the ticket stands.
func (q *queue) leave(t *ticket) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free(t)
	if q.lanes[t.app] == t {
		delete(q.lanes, t.app)
	}
	q.waiting = slices.DeleteFunc(q.waiting, func(w *ticket) bool { return w == t })
	q.grant()
}

func (q *queue) free(t *ticket) {
	if t.building {
		t.building = false
		q.builders++
	}
}

// grant gives the free builders to those who wait longest and whose app's lane is free.
func (q *queue) grant() {
	q.waiting = slices.DeleteFunc(q.waiting, func(t *ticket) bool {
		if q.builders == 0 || q.lanes[t.app] != nil {
			return false
		}
		q.builders--
		q.lanes[t.app] = t
		t.building = true
		close(t.granted)
		return true
	})
}

// ahead counts the builds that have to end before the ticket's turn comes.
func (q *queue) ahead(t *ticket) int {
	n := 0
	for _, w := range q.waiting {
		if w == t {
			return n + 1 // the one that holds the lane, or the next builder to be free
		}
		if q.lanes[w.app] == nil && q.lanes[t.app] == nil {
			n++
		}
	}
	return 0
}
