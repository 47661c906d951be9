package build

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"paas"
)

// Why a push or a build ended early; each is what the pusher reads.
var (
	errGone       = paas.Errorf(paas.Canceled, "the pusher hung up")
	errStopping   = paas.Errorf(paas.Unavailable, "paasd is stopping").WithHint("push again in a moment")
	errAppGone    = paas.Errorf(paas.NotFound, "the app is being destroyed").WithHint("paas apps")
	errSuperseded = paas.Errorf(paas.Conflict, "a newer push took the place of this one").WithHint("paas builds")
)

// push is one git-receive-pack and what its hook does for it.
type push struct {
	*work
	token    string
	hookDone chan struct{} // closed when the hook's call is over

	mu      sync.Mutex
	called  bool // the hook has called
	intake  *intake
	updates string // what it wants of which refs, for the audit
	refused error  // why it was told no

	left  *detached   // the build that is to go on when the push has ended
	full  atomic.Bool // git said that there is no space left
	lacks atomic.Bool // git said that an object is not what another one says: in a shallow repository, that it is not there
	moved *update     // the deploy branch was set back for git: see attempt.land
}

// beginPush registers a push of app.
func (s *Service) beginPush(ctx context.Context, app paas.App) (*push, error) {
	p := &push{token: rand.Text(), hookDone: make(chan struct{})}
	return p, s.begin(ctx, app, func(w *work) {
		p.work = w
		s.pushes[p.token] = p
	})
}

// endPush is called once git has ended: it ends the hook's call, should it still go on, then gives the lane to the next.
func (s *Service) endPush(p *push) {
	p.cancel(errGone)
	if p.wasCalled() {
		<-p.hookDone
	}
	if err := s.landed(p); err != nil {
		s.opts.Log.Error("branch does not show what was deployed", "app", p.app.ID, "branch", p.moved.ref, "commit", p.moved.old, "error", err)
	}
	if p.left != nil {
		p.left.goOn()
	}
	s.mu.Lock()
	delete(s.pushes, p.token)
	s.mu.Unlock()
	s.end(p.work)
}

// answer takes the hook's call for the push that the token names; each push has one.
func (s *Service) answer(token string) (*push, error) {
	s.mu.Lock()
	p := s.pushes[token]
	s.mu.Unlock()
	if p == nil {
		return nil, paas.Errorf(paas.Unauthorized, "no push of that token is going on").WithHint("git push paas main")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.called {
		return nil, paas.Errorf(paas.Conflict, "the push was answered already").WithHint("git push paas main")
	}
	p.called = true
	if p.intake != nil {
		p.intake.end()
	}
	return p, nil
}

// watch sets what holds the push to its limits until the hook calls.
func (p *push) watch(in *intake) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.intake = in
}

// asked says whether the client wanted anything of any ref.
func (p *push) asked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.intake != nil && p.intake.hasUpdates()
}

func (p *push) wasCalled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.called
}

// answered notes what the push wanted and, unless why is nil, that it was told no.
func (p *push) answered(updates string, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.updates, p.refused = updates, why
}

// result is what became of the push, as far as its hook knows.
func (p *push) result(code int) paas.PushResult {
	p.mu.Lock()
	defer p.mu.Unlock()
	return paas.PushResult{ExitCode: code, Updates: p.updates, Refused: p.refused}
}

// landing is how long git has, once the app is deployed, to move the branch though its pusher is gone.
const landing = 5 * time.Second

// gitContext ends when git has to: with the push's own context, but not in the middle of a deployment, since a branch
// that does not say what runs would be a lie. over ends the watch.
func (p *push) gitContext() (ctx context.Context, over func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(p.ctx))
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-p.ctx.Done():
			p.letLand(done)
			cancel(context.Cause(p.ctx))
		case <-done:
		}
	})
	return ctx, func() {
		close(done)
		watch.Wait()
		cancel(nil)
	}
}

func (p *push) letLand(done <-chan struct{}) {
	if !p.isDeploying() {
		return
	}
	select {
	case <-p.hookDone:
	case <-done:
		return
	}
	timer := time.NewTimer(landing)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}

// canceled makes of what a context's end did to the work what the pusher reads.
func canceled(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	if _, ok := errors.AsType[*paas.Error](err); ok {
		return err
	}
	if cause, ok := errors.AsType[*paas.Error](context.Cause(ctx)); ok {
		return cause
	}
	return paas.Errorf(paas.Canceled, "the push was canceled").Because(err)
}
