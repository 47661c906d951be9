package build

import (
	"context"
	"io"

	"paas"
)

// detached is a build that a push leaves behind when it ends: git push -o detach.
type detached struct{ *attempt }

// detach makes the record of a build that begins once git has moved the branch, and tells the pusher where to look.
func (s *Service) detach(ctx context.Context, p *push, ord order, out io.Writer) error {
	a := &attempt{order: ord, s: s, out: io.Discard}
	if err := s.begin(context.WithoutCancel(ctx), ord.app, func(w *work) { a.work = w }); err != nil {
		return err
	}
	if err := a.register(ctx); err != nil {
		s.end(a.work)
		return err
	}
	p.left = &detached{a}
	show := newProgress(&client{w: out})
	show.heading("Build %d of %s is queued, and goes on without you", a.record.ID, ord.src.commit.short())
	show.note("To follow it: paas builds:log %d -a %s. To see how it ended: paas builds -a %s", a.record.ID, ord.app.Name, ord.app.Name)
	return nil
}

// goOn begins the build, if the push has moved the branch, and does not wait for it. Close does.
func (d *detached) goOn() {
	go func() {
		defer d.s.end(d.work)
		if err := d.arrive(); err != nil {
			_ = d.finish(canceled(d.work.ctx, err)) // which says why, in the record
			return
		}
		if _, err := d.carryOut(); err != nil {
			d.s.opts.Log.Info("a detached build did not deploy", "app", d.app.ID, "build", d.record.ID, "reason", err)
		}
	}()
}

// arrive looks whether git has the commit where it belongs.
func (d *detached) arrive() (err error) {
	if d.objects, err = d.s.Repos.objects(d.app.ID, nil); err != nil {
		return err
	}
	heads, err := d.objects.heads(d.work.ctx)
	if err != nil {
		return err
	}
	if objectID(heads[d.branch]) != d.src.commit {
		return paas.Errorf(paas.Canceled, "the push did not move %s", d.branch).WithHint("git push paas HEAD:%s", d.branch)
	}
	if err := d.objects.setHead(d.work.ctx, d.branch); err != nil {
		d.s.opts.Log.Warn("clones check out no branch", "app", d.app.ID, "branch", d.branch, "error", err)
	}
	return nil
}
