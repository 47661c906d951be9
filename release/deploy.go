package release

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"paas"
)

// draft is what a new release is made of.
type draft struct {
	description string
	build       int
	image       paas.Image
	commit      string
	types       paas.ProcessTypes
	config      paas.Config
	checks      paas.Checks // as checks:set has them
	declared    paas.Checks // as the commit's app.json has them

	// What else its app.json asks for; only a deploy of a build has these.
	formation paas.Formation // quantities of types that nobody has scaled
	sizes     paas.Sizes     // sizes of types that nobody has resized
	defaults  []string       // keys of config that the app lacked
}

// draftOf starts from what serves now: the current release's image, types, checks and config, or nothing but what is kept.
func (e *Engine) draftOf(app paas.App) (draft, error) {
	config, err := e.Store.Config(app.ID, app.ConfigVersion)
	if err != nil || app.Current == 0 {
		return draft{config: config, checks: app.KeptChecks}, err
	}
	r, err := e.Store.Release(app.ID, app.Current)
	return draftFrom(r, config), err
}

func draftFrom(r paas.Release, config paas.Config) draft {
	return draft{
		build: r.Build, image: r.Image, commit: r.Commit, types: r.Types, config: config, checks: r.Checks, declared: r.Declared,
	}
}

// Deploy releases a build's image with the app's config and moves the app to it. app is an App.ID.
func (e *Engine) Deploy(ctx context.Context, app string, b paas.Build, progress Progress) (paas.Release, error) {
	var rel paas.Release
	first := false
	what := "deploy of " + b.What() + " by " + paas.UserOf(ctx)
	err := e.lanes.do(ctx, app, what, progress, func() error {
		record, err := e.Store.App(app)
		if err != nil {
			return err
		}
		d, err := e.draftOf(record)
		if err != nil {
			return err
		}
		d.description, d.build, d.image, d.commit, d.types = "Deploy "+b.What(), b.ID, b.Image, b.Commit, b.Types
		d.declared, first = b.Checks, record.Current == 0
		if err := e.applyManifest(ctx, &d, record, b.Manifest); err != nil {
			return err
		}
		rel, err = e.release(ctx, record, d, progress)
		return err
	})
	if first && rel.Status == paas.ReleaseSucceeded && b.Manifest.Postdeploy != "" {
		e.postdeploy(ctx, rel, b.Manifest.Postdeploy, progress) // without the lane: the app serves, and may be changed
	}
	return rel, err
}

// release appends a release made of d to the ledger and moves app to it. The caller holds app's lane. A release that
// fails stays on the ledger as failed and changes nothing else.
func (e *Engine) release(ctx context.Context, app paas.App, d draft, progress Progress) (paas.Release, error) {
	if err := e.Room(); err != nil {
		return paas.Release{}, err
	}
	rel, err := e.Store.AppendRelease(paas.Release{
		App: app.ID, Description: d.description, User: paas.UserOf(ctx), Build: d.build, Image: d.image, Commit: d.commit, Types: d.types,
		Checks: d.checks, Declared: d.declared,
	}, d.config)
	if err != nil {
		return rel, err
	}
	fmt.Fprintf(progress, "-----> Releasing v%d: %s\n", rel.Version, rel.Description)
	e.event(paas.Event{
		App: app.ID, Kind: paas.EventDeployPending, User: rel.User, Release: rel.Version,
		Text: fmt.Sprintf("v%d by %s: %s", rel.Version, rel.User, rel.Description),
	})
	detail := indented{progress}
	sayManifest(detail, app, d)
	phases := newPhases(e.Reached)
	committed := false
	commit := func() (paas.App, error) {
		rel.Outcome = e.outcome(phases, nil, d.config)
		next, err := e.Store.FinishRelease(app.ID, rel.Version, rel.Outcome, func(a *paas.App) {
			a.KeptChecks = paas.Checks{}
			a.Formation, _ = a.Formation.Default(d.formation, d.types)
			a.Sizes, _ = a.Sizes.Default(d.sizes, d.types)
		})
		if err == nil {
			committed = true
			e.memory.pardon(app.ID)
		}
		return next, err
	}
	var m *move
	err = e.releaseCommand(ctx, app, rel, d.config, detail, phases)
	if err == nil {
		err = e.sameSubnet(&app) // the network may have been made just now, and its subnet moved
	}
	if err == nil {
		want := app
		want.Restarted, want.Stopped = nil, nil
		want.Formation, _ = app.Formation.Default(d.formation, d.types)
		want.Sizes, _ = app.Sizes.Default(d.sizes, d.types)
		m = &move{
			engine: e, app: app, want: want, release: rel, config: d.config, progress: detail, what: "deploy",
			commit: commit, atomic: true, fresh: true, phases: phases,
		}
		err = m.run(ctx)
	}
	defer e.behind(func(ctx context.Context) { e.collect(ctx, app.ID) })
	if committed {
		return rel, e.confirmed(app, rel, err, phases, progress)
	}
	return rel, e.failRelease(ctx, app, rel, d.config, phases, err, m.still(app), progress)
}

// sameSubnet makes app's subnet the one that it has now: it is moved when its network is made and another has its addresses.
func (e *Engine) sameSubnet(app *paas.App) error {
	record, err := e.Store.App(app.ID)
	if err == nil {
		app.Subnet = record.Subnet
	}
	return err
}

// confirmed tells the outcome of a release that is current; err is only about its routes.
func (e *Engine) confirmed(app paas.App, rel paas.Release, err error, phases *phases, progress Progress) error {
	if err != nil {
		still := ""
		if app.Current != 0 {
			still = fmt.Sprintf("; v%d goes on serving until they are", app.Current)
		}
		return paas.Errorf(paas.Unavailable, "v%d is released, but its routes are not confirmed yet%s: %w", rel.Version, still, err).
			WithHint("docker ps --filter name=paas-router")
	}
	e.event(paas.Event{
		App: app.ID, Kind: paas.EventDeployLive, User: rel.User, Release: rel.Version,
		Text: fmt.Sprintf("v%d is live (%s)", rel.Version, phases),
	})
	fmt.Fprintf(progress, "-----> v%d is live: %s\n", rel.Version, e.AppURL(e.defaultHost(app.Name)))
	return nil
}

// failRelease ends rel as failed, and returns what the user reads of cause and of what is still there.
func (e *Engine) failRelease(
	ctx context.Context, app paas.App, rel paas.Release, config paas.Config, phases *phases, cause error, still string, progress Progress,
) error {
	if ctx.Err() != nil && paas.CodeOf(cause) != paas.Canceled {
		cause = paas.Errorf(paas.Canceled, "the deploy was canceled").Because(cause)
	}
	if err := e.recordFailure(rel, e.outcome(phases, cause, config)); err != nil {
		e.Log.Error("a failed release could not be recorded", "app", app.Name, "version", rel.Version, "error", err)
	}
	text := config.Mask(cause.Error())
	e.event(paas.Event{
		App: app.ID, Kind: paas.EventDeployFailed, User: rel.User, Release: rel.Version,
		Text: fmt.Sprintf("v%d failed: %s", rel.Version, firstLine(text)),
	})
	if boot, ok := asBoot(cause); ok {
		fmt.Fprint(indented{progress}, config.Mask(boot.Report()))
	}
	code, hint := paas.Failed, "paas logs -a "+app.Name
	if e, ok := errors.AsType[*paas.Error](cause); ok {
		code = e.Code
		if e.Hint != "" {
			hint = e.Hint
		}
	}
	return paas.Errorf(code, "v%d failed: %s; %s", rel.Version, firstLine(text), still).WithHint("%s", hint).Because(cause)
}

// recordFailure ends rel on the ledger as failed.
func (e *Engine) recordFailure(rel paas.Release, o paas.Outcome) error {
	return e.conclude(fmt.Sprintf("v%d of app %s", rel.Version, rel.App), func() error {
		_, err := e.Store.FinishRelease(rel.App, rel.Version, o, nil)
		return err
	})
}

// outcome is how a deployment ended: err nil means it succeeded.
func (e *Engine) outcome(p *phases, err error, config paas.Config) paas.Outcome {
	o := paas.Outcome{Status: paas.ReleaseSucceeded, FinishedAt: e.Now(), Phases: p.list}
	if err != nil {
		o.Status, o.Error = paas.ReleaseFailed, err.Error()
		if boot, ok := asBoot(err); ok {
			o.Error = strings.TrimSpace(boot.Report())
		}
		o.Error = config.Mask(o.Error)
	}
	return o
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
