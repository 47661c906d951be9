package build

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"paas"
)

// image builds, with the builder that the queue granted.
func (a *attempt) image(ctx context.Context) error {
	defer a.s.queue.built(a.work.ticket)
	settings := a.app.Build
	limit := cmp.Or(settings.Timeout.Duration(), a.s.opts.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, paas.Errorf(paas.Failed, "the build did not end within %s", limit).
		WithHint("paas build:set timeout=2h -a %s gives its builds longer", a.app.Name))
	defer cancel()
	a.record.Status = paas.BuildBuilding
	if err := a.s.Records.UpdateBuild(a.record); err != nil {
		return err
	}
	if err := a.s.Room.ToBuild(ctx, a.show); err != nil {
		return err
	}
	began := a.s.opts.Now()
	img, err := a.make(ctx)
	if err != nil {
		return err
	}
	a.record.Image = img
	a.show.heading("Image %s in %s", shorten(img.ID, len("sha256:")+13), seconds(a.s.opts.Now().Sub(began)))
	a.show.heading("Process types: %s", a.src.describe())
	a.src.showManifest(a.show)
	return nil
}

// make gets the image by the image builder, whose events go to whoever asked.
func (a *attempt) make(ctx context.Context) (paas.Image, error) {
	get := a.fromCommit
	if a.reference != "" {
		get = a.fromReference
	}
	stop := a.keepTime()
	img, err := get(ctx)
	stop()
	switch {
	case ctx.Err() != nil:
		return img, context.Cause(ctx)
	case paas.CodeOf(err) == paas.Failed:
		return img, a.show.failed(a.record.What(), err)
	}
	return img, err
}

// event takes a fact of the builder's.
func (a *attempt) event(e paas.BuildEvent) {
	a.s.opts.Reached("build")
	if e.Base.Ref != "" {
		a.record.Bases = append(a.record.Bases, e.Base)
		return
	}
	a.show.event(a.s.opts.Now(), e)
}

// fromReference gets an image that was made elsewhere.
func (a *attempt) fromReference(ctx context.Context) (paas.Image, error) {
	a.show.heading("Getting %s for %s", quotePath(a.reference), a.app.Name)
	img, err := a.s.Images.PullImage(ctx, a.reference, a.spec(nil), a.event)
	if err == nil {
		a.show.note("It is %s now; what its name comes to mean later changes nothing", img.Ref)
	}
	return img, err
}

// fromCommit feeds the commit's tree to the image builder.
func (a *attempt) fromCommit(ctx context.Context) (paas.Image, error) {
	a.show.heading("Building %s of %s (%s)", a.src.commit.short(), a.app.Name, a.src.how())
	for _, note := range a.src.plan.Notes {
		a.show.note("%s", note)
	}
	if err := a.fetchSubmodules(ctx); err != nil {
		return paas.Image{}, err
	}
	if a.s.opts.Static != "" && strings.Contains(a.src.plan.Text, "FROM "+a.s.opts.Static+"\n") {
		if err := a.s.opts.MakeStatic(ctx); err != nil {
			return paas.Image{}, err
		}
	}
	secrets, err := a.s.Records.BuildSecretValues(a.app.ID)
	if err != nil {
		return paas.Image{}, err
	}
	files, err := a.src.contents(ctx, a.objects, func(err error) {
		a.s.opts.Log.Warn("the dates of a build's files are not remembered", "app", a.app.ID, "error", err)
	})
	if err != nil {
		return paas.Image{}, fmt.Errorf("read commit %s: %w", a.src.commit.short(), err)
	}
	defer files.close()
	if len(files.lfs) > 0 {
		a.show.note("Git LFS files are not fetched, only their pointers are there: %s", list(files.lfs))
	}
	return a.s.Images.BuildImage(ctx, files, a.spec(secrets), a.event)
}

// spec is what the image builder is told.
func (a *attempt) spec(secrets map[string]string) paas.ImageSpec {
	settings := a.app.Build
	return paas.ImageSpec{
		App: a.app.ID, Name: a.app.Name, Build: a.record.ID, Commit: a.record.Commit, Dockerfile: a.src.plan.Dockerfile, Text: a.src.text, NoCache: a.noCache,
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
