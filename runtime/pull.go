package runtime

import (
	"context"
	"embed"
	"fmt"
	"strconv"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"paas"
)

// PullImage gets an image from its registry, as it is there now, and makes it the app's: an image of one line, FROM the
// digest, that bears the labels of a build. It is found, kept and collected as any built one, and neither moves nor needs a
// name that somebody else gave the image on this engine. ref is a reference as a user gives it; of spec it takes App,
// Name, Build and Commit. The image's Ref is the one that was pulled, by digest.
//
// Errors: paas.Invalid for what is no reference, paas.NotFound, paas.Failed when the registry refuses, paas.Unavailable when
// it does not answer.
func (d *Docker) PullImage(ctx context.Context, ref string, spec paas.ImageSpec, events func(paas.BuildEvent)) (paas.Image, error) {
	named, err := parseImage(ref)
	if err != nil {
		return paas.Image{}, err
	}
	auth, err := d.authFor(named)
	if err != nil {
		return paas.Image{}, err
	}
	pinned, err := d.resolve(ctx, named, auth)
	if err != nil {
		return paas.Image{}, err
	}
	_, err = d.inspectImage(ctx, pinned.String())
	if err != nil && paas.CodeOf(err) != paas.NotFound {
		return paas.Image{}, err
	}
	if paas.CodeOf(err) == paas.NotFound {
		defer d.forget(ctx, pinned.String())
	}
	if err := d.pullPinned(ctx, pinned, auth, events); err != nil {
		return paas.Image{}, err
	}
	return d.adopt(ctx, pinned, spec, events)
}

// resolve asks the registry which digest a reference has.
func (d *Docker) resolve(ctx context.Context, named reference.Named, auth string) (reference.Canonical, error) {
	if pinned, ok := named.(reference.Canonical); ok {
		return pinned, nil
	}
	var found string
	err := d.call(ctx, registryLimit, "look up image "+named.String(), func(ctx context.Context) error {
		result, err := d.client.DistributionInspect(ctx, named.String(), client.DistributionInspectOptions{EncodedRegistryAuth: auth})
		found = result.Descriptor.Digest.String()
		return err
	})
	if err != nil && ctx.Err() == nil {
		return nil, registryError(named, err)
	}
	if err != nil {
		return nil, err
	}
	return pin(named, found)
}

// pin is the reference of what has this digest.
func pin(named reference.Named, digest string) (reference.Canonical, error) {
	found, err := reference.ParseNormalizedNamed(named.Name() + "@" + digest)
	if err != nil {
		return nil, fmt.Errorf("pin image %s: %w", named, err)
	}
	pinned, ok := found.(reference.Canonical)
	if !ok {
		return nil, fmt.Errorf("pin image %s: %q is no digest", named, digest)
	}
	return pinned, nil
}

func (d *Docker) pullPinned(ctx context.Context, pinned reference.Canonical, auth string, events func(paas.BuildEvent)) error {
	step := transfer{step: "pull", name: "[pull] " + reference.FamiliarString(pinned), events: events}
	return step.run(func() error {
		progress, err := d.client.ImagePull(ctx, pinned.String(), client.ImagePullOptions{RegistryAuth: auth})
		if err == nil {
			err = step.follow(ctx, progress, nil)
		}
		if err != nil && ctx.Err() == nil {
			return registryError(pinned, err)
		}
		return explain(ctx, "pull "+pinned.String(), err)
	})
}

// adopt builds the image of one line. One with ONBUILD is a base for builds, whose steps would run here.
func (d *Docker) adopt(ctx context.Context, pinned reference.Canonical, spec paas.ImageSpec, events func(paas.BuildEvent)) (paas.Image, error) {
	found, err := d.inspectImage(ctx, pinned.String())
	if err != nil {
		return paas.Image{}, err
	}
	if found.Config != nil && len(found.Config.OnBuild) > 0 {
		return paas.Image{}, paas.Errorf(paas.Invalid, "image %s cannot be deployed: it is a base for other images (it has ONBUILD steps)", reference.FamiliarString(pinned)).
			WithHint("build one from it: a Dockerfile that begins FROM %s", reference.FamiliarString(pinned))
	}
	spec.Dockerfile, spec.Text = "Dockerfile", "FROM "+pinned.String()+"\n"
	spec.Args, spec.Secrets, spec.NoCache = nil, nil, false
	// Its steps are the builder's own: nothing that a user would want to see.
	base := func(e paas.BuildEvent) {
		if e.Base != (paas.BaseImage{}) {
			events(e)
		}
	}
	version, err := d.builder(ctx)
	if err != nil {
		return paas.Image{}, err
	}
	b := &imageBuild{Docker: d, spec: spec, version: version, events: base}
	id, err := b.run(ctx, embed.FS{}) // nothing else
	if err != nil {
		return paas.Image{}, explain(ctx, "adopt image "+pinned.String(), err)
	}
	image, err := d.Image(ctx, id)
	image.Ref = pinned.String()
	return image, err
}

// forget takes back a name that was only needed for a moment; the layers stay with the image that was made of it.
func (d *Docker) forget(ctx context.Context, ref string) {
	ctx = context.WithoutCancel(ctx)
	if err := d.removeImage(ctx, ref); err != nil {
		d.log.Warn("a name of an image is left on the engine", "image", ref, "error", err)
	}
}

// transfer shows what an engine says of an image that it pulls or pushes as a step of a build.
type transfer struct {
	step, name string
	events     func(paas.BuildEvent)
}

func (t transfer) run(do func() error) error {
	t.events(paas.BuildEvent{Step: t.step, Name: t.name, Started: time.Now()})
	err := do()
	done := paas.BuildEvent{Step: t.step, Name: t.name, Completed: time.Now()}
	if err != nil {
		done.Error = err.Error()
	}
	t.events(done)
	return err
}

// layerDone are what an engine says last of a layer.
var layerDone = map[string]bool{"Pull complete": true, "Already exists": true, "Pushed": true, "Layer already exists": true, "Mounted from": true}

// follow reads the engine's messages to their end, a line for each layer that is done; each message goes to also.
func (t transfer) follow(ctx context.Context, messages client.ImagePullResponse, also func(jsonstream.Message)) (err error) {
	for m, err := range messages.JSONMessages(ctx) {
		if err != nil {
			return err
		}
		if m.Error != nil {
			return m.Error
		}
		if also != nil {
			also(m)
		}
		if m.ID != "" && layerDone[m.Status] {
			t.line(m.ID + ": " + m.Status)
		}
	}
	return nil
}

func (t transfer) line(text string) {
	t.events(paas.BuildEvent{Step: t.step, Output: []byte(text + "\n")})
}

// attempts are how often a registry is tried that does not answer as it should.
const attempts = 3

func (t transfer) again(n int, err error) {
	t.line("attempt " + strconv.Itoa(n) + " of " + strconv.Itoa(attempts) + " failed: " + errorText(err))
}
