package build

import (
	"context"
	"sync"

	"paas"
)

// work is what somebody asked for an app and has not ended: a push, or a build of something that needs no push. From its turn
// in the queue to its end it holds the app's lane.
type work struct {
	app  paas.App
	done func() // with the app's repository

	ctx    context.Context // ends when whoever asked is gone, or with lasting
	cancel context.CancelCauseFunc
	// lasting is for the deployment, which goes on when whoever asked is gone: it ends when paasd stops or the app goes.
	lasting context.Context
	abort   context.CancelCauseFunc
	ended   chan struct{} // closed when all of it is over
	ticket  *ticket       // its place in the queue, nil before

	mu      sync.Mutex
	deploys bool // past the point where a client who leaves takes the work along
}

// begin registers work for app; end ends it. onBegin runs under the service's lock.
func (s *Service) begin(ctx context.Context, app paas.App, onBegin func(*work)) error {
	done, err := s.upkeep.use(ctx, app.ID)
	if err != nil {
		return err
	}
	lasting, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	ctx, cancel := context.WithCancelCause(ctx)
	context.AfterFunc(lasting, func() { cancel(context.Cause(lasting)) })
	w := &work{app: app, done: done, ctx: ctx, cancel: cancel, lasting: lasting, abort: abort, ended: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		abort(errStopping)
		done()
		return errStopping
	}
	s.idle.Add(1)
	s.works[w] = true
	onBegin(w)
	return nil
}

// end gives the lane to the next; nothing of the work may go on.
func (s *Service) end(w *work) {
	if w.ticket != nil {
		s.queue.leave(w.ticket)
	}
	s.mu.Lock()
	delete(s.works, w)
	s.mu.Unlock()
	w.abort(errGone)
	w.done()
	close(w.ended)
	s.idle.Done()
}

func (s *Service) worksOf(app string) []*work {
	s.mu.Lock()
	defer s.mu.Unlock()
	var of []*work
	for w := range s.works {
		if w.app.ID == app {
			of = append(of, w)
		}
	}
	return of
}

// commitTo passes the point where the client may leave without taking the work along, unless it has left by now.
func (w *work) commitTo() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() != nil {
		return context.Cause(w.ctx)
	}
	w.deploys = true
	return nil
}

func (w *work) isDeploying() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deploys
}
