package build

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

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
	kind    paas.BuildSource
	objects objects
	src     source
	branch  string // "" unless pushed
	old     objectID
	noCache bool
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
		App: a.work.app.ID, Status: paas.BuildPending, Source: a.kind, Commit: string(a.src.commit), Branch: a.branch, User: paas.UserOf(ctx),
		Language: a.src.plan.Language, Dockerfile: a.src.plan.Dockerfile, NoCache: a.noCache, Types: a.src.types, Checks: a.src.app.checks,
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
	t, ahead := a.s.queue.enter(a.work.app.ID)
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

// image builds, with the builder that the queue granted.
func (a *attempt) image(ctx context.Context) error {
	defer a.s.queue.built(a.work.ticket)
	settings := a.work.app.Build
	limit := cmp.Or(settings.Timeout.Duration(), a.s.opts.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, paas.Errorf(paas.Failed, "the build did not end within %s", limit).
		WithHint("paas build:set timeout=2h -a %s gives its builds longer", a.work.app.Name))
	defer cancel()
	a.record.Status = paas.BuildBuilding
	if err := a.s.Records.UpdateBuild(a.record); err != nil {
		return err
	}
	if err := a.s.Room.ToBuild(ctx, a.show); err != nil {
		return err
	}
	a.show.heading("Building %s of %s (%s)", a.src.commit.short(), a.work.app.Name, a.src.how())
	for _, note := range a.src.plan.Notes {
		a.show.note("%s", note)
	}
	if len(a.src.submodules) > 0 {
		a.show.note("Submodules are not fetched: %s", list(a.src.submodules))
	}
	began := a.s.opts.Now()
	img, err := a.run(ctx)
	if err != nil {
		return a.show.hidden(err)
	}
	a.record.Image = img
	a.show.heading("Image %s in %s", shorten(img.ID, len("sha256:")+13), seconds(a.s.opts.Now().Sub(began)))
	a.show.heading("Process types: %s", a.src.describe())
	a.src.showManifest(a.show)
	return nil
}

// run feeds the source to the image builder and its events to the pusher.
func (a *attempt) run(ctx context.Context) (paas.Image, error) {
	secrets, err := a.s.Records.BuildSecretValues(a.work.app.ID)
	if err != nil {
		return paas.Image{}, err
	}
	a.show.hide(secrets)
	var pointers pathList
	src, end := a.src.open(ctx, a.objects, pointers.add)
	stop := a.keepTime()
	img, err := a.s.Images.BuildImage(ctx, src, a.spec(secrets), func(e paas.BuildEvent) {
		a.s.opts.Reached("build")
		a.show.event(a.s.opts.Now(), e)
	})
	sourceErr := end()
	stop()
	if found := pointers.all(); len(found) > 0 {
		a.show.note("Git LFS files are not fetched, only their pointers are there: %s", list(found))
	}
	switch {
	case ctx.Err() != nil:
		return img, context.Cause(ctx)
	case sourceErr != nil:
		return img, fmt.Errorf("read commit %s: %w", a.src.commit.short(), sourceErr)
	case paas.CodeOf(err) == paas.Failed:
		return img, a.show.failed(a.src.commit, err)
	}
	return img, err
}

// spec is what the image builder is told.
func (a *attempt) spec(secrets map[string]string) paas.ImageSpec {
	settings := a.work.app.Build
	return paas.ImageSpec{
		App: a.work.app.ID, Name: a.work.app.Name, Build: a.record.ID, Commit: a.record.Commit, Dockerfile: a.src.plan.Dockerfile, NoCache: a.noCache,
		Args: a.src.app.arguments(settings.Args), Secrets: secrets, Network: cmp.Or(settings.Network, a.s.opts.Network),
		Limits: paas.BuildLimits{Memory: cmp.Or(settings.Memory, a.s.opts.Limits.Memory), CPUs: cmp.Or(settings.CPUs, a.s.opts.Limits.CPUs)},
	}
}

// keepTime lets the progress announce steps that are silent; stop ends it.
func (a *attempt) keepTime() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(quietStep)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				a.show.tick(a.s.opts.Now())
			case <-done:
				return
			}
		}
	})
	return func() { close(done); wg.Wait() }
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
		a.s.opts.Log.Warn("a build's log lacks a part", "app", a.work.app.ID, "build", a.record.ID, "error", err)
	}
	a.s.note(a.work.app.ID, fmt.Sprintf("build.%d", a.record.ID), a.summary())
	a.s.opts.Log.Info("build ended", "app", a.work.app.ID, "build", a.record.ID, "status", a.record.Status)
	return errors.Join(err, saved)
}

func (a *attempt) summary() string {
	text := fmt.Sprintf("Build %d of %s by %s: %s", a.record.ID, a.src.commit.short(), a.record.User, a.record.Status)
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

// pathList collects paths from another goroutine.
type pathList struct {
	mu    sync.Mutex
	paths []string
}

func (l *pathList) add(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paths = append(l.paths, path)
}

func (l *pathList) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.paths
}
