package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"paas"
)

// attempt is one way from a source to a release: through the queue, the builder and the deployment.
type attempt struct {
	order
	s    *Service
	work *work
	push *push     // nil where no branch moves
	out  io.Writer // to whoever asked
	// colours says that they are shown to a terminal, which does not show more than that.
	colours bool

	record paas.Build
	log    *buildLog
	show   *progress
}

// order is what is to be built.
type order struct {
	app       paas.App // as it was when its source was looked at
	kind      paas.BuildSource
	objects   objects
	src       source
	branch    string // "" unless pushed
	old       objectID
	noCache   bool
	reference string // the reference of one that is made elsewhere, in place of src; src then has the types
}

// build makes the image. When it returns, the build's record is final; on success the work holds the app's lane.
func (a *attempt) build(ctx context.Context) error {
	if err := a.register(ctx); err != nil {
		return err
	}
	return a.proceed(ctx)
}

// proceed is build once the record is there.
func (a *attempt) proceed(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	j := a.s.addJob(a.record, cancel)
	defer a.s.removeJob(j)
	err := a.openLog()
	if err == nil {
		err = a.turn(ctx)
	}
	if err == nil {
		err = a.image(ctx)
	}
	return a.finish(canceled(ctx, err))
}

// register makes the record, pending.
func (a *attempt) register(ctx context.Context) (err error) {
	a.record, err = a.s.Records.AppendBuild(paas.Build{
		App: a.app.ID, Status: paas.BuildPending, Source: a.kind, Commit: string(a.src.commit), Branch: a.branch, User: paas.UserOf(ctx),
		Reference: a.reference, Language: a.src.plan.Language, Dockerfile: a.src.plan.Dockerfile, NoCache: a.noCache, Types: a.src.types, Checks: a.src.app.checks,
		Manifest: a.src.app.Manifest,
	})
	return err
}

func (a *attempt) openLog() (err error) {
	if a.log, err = a.s.logs.create(a.key()); err != nil {
		return fmt.Errorf("open the log of build %d: %w", a.record.ID, err)
	}
	a.show = newProgress(io.MultiWriter(a.log, a.lines()))
	return nil
}

// lines is where whoever asked gets whole lines.
func (a *attempt) lines() io.Writer { return &tidy{w: &client{w: a.out}, colours: a.colours} }

func (a *attempt) key() jobKey { return jobKey{a.record.App, a.record.ID} }

// turn waits in the queue, then checks that the branch is still where the push may move it from.
func (a *attempt) turn(ctx context.Context) error {
	t, ahead := a.s.queue.enter(a.app.ID)
	a.work.ticket = t
	switch {
	case ahead == 1:
		a.show.heading("Waiting: 1 build ahead of yours")
	case ahead > 1:
		a.show.heading("Waiting: %d builds ahead of yours", ahead)
	}
	if err := a.s.queue.wait(ctx, t); err != nil {
		return err
	}
	if a.push == nil {
		return nil
	}
	return a.checkBranch(ctx)
}

// finish closes the log and writes how the build ended; err is why it did not succeed, and is returned.
func (a *attempt) finish(err error) error {
	a.record.FinishedAt = a.s.opts.Now()
	a.record.Status = status(err)
	if err != nil {
		a.record.Error = "internal error"
		if e, ok := errors.AsType[*paas.Error](err); ok {
			a.record.Error = e.Message
		} else if paas.OutOfSpace(err) {
			a.record.Error = "no space left"
		}
	}
	if a.log != nil && err != nil {
		var text bytes.Buffer
		writeError(&text, &paas.Error{Message: a.record.Error})
		a.log.ending(text.Bytes())
	}
	saved := a.s.record(a.record)
	if err == nil && saved != nil { // it is not deployed, so it is not to be found succeeded
		a.record.Status, a.record.Error = paas.BuildFailed, "it could not be recorded"
		saved = errors.Join(saved, a.s.record(a.record))
	}
	if err := a.s.logs.finish(a.key()); err != nil {
		a.s.opts.Log.Warn("a build's log lacks a part", "app", a.app.ID, "build", a.record.ID, "error", err)
	}
	a.s.note(a.app.ID, fmt.Sprintf("build.%d", a.record.ID), a.summary())
	a.s.opts.Log.Info("build ended", "app", a.app.ID, "build", a.record.ID, "status", a.record.Status)
	return errors.Join(err, saved)
}

func (a *attempt) summary() string {
	text := fmt.Sprintf("Build %d of %s by %s: %s", a.record.ID, a.record.What(), a.record.User, a.record.Status)
	if a.record.Error != "" {
		text += ": " + a.record.Error
	}
	return text
}

func status(err error) paas.BuildStatus {
	switch {
	case err == nil:
		return paas.BuildSucceeded
	case errors.Is(err, errSuperseded):
		return paas.BuildSuperseded
	case errors.Is(err, errGone), errors.Is(err, errAppGone), paas.CodeOf(err) == paas.Canceled:
		return paas.BuildCanceled
	}
	return paas.BuildFailed
}
