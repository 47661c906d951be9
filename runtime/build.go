package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"paas"
)

// The ids of what BuildKit sends among the messages of a build.
const (
	messageTrace   = "moby.buildkit.trace"
	messageImageID = "moby.image.id"
)

// BuildImage builds the image that the Dockerfile in a tree describes. src is the tree, with regular files, folders and, by
// fs.ReadLinkFS, symbolic links; the engine takes a file for the one that an earlier build of the app had at its path where size
// and date are the same. It is read by several goroutines. events gets what happens, in order, from one goroutine at a time, and
// at last the base images. When ctx ends, the build ends on the engine too. Where the installation has a registry, the image is
// there when it returns.
//
// Errors: paas.Failed when a step failed, naming it and its exit code; its output went to events. Failed as well for
// whatever else the builder refuses, in its own words, and where the registry did not take the image. An error of src is
// returned as it is.
func (d *Docker) BuildImage(ctx context.Context, src fs.FS, spec paas.ImageSpec, events func(paas.BuildEvent)) (paas.Image, error) {
	doing := fmt.Sprintf("build %d", spec.Build)
	if err := spec.Validate(); err != nil {
		return paas.Image{}, err
	}
	version, err := d.builder(ctx)
	if err != nil {
		return paas.Image{}, fmt.Errorf("%s: %w", doing, err)
	}
	b := &imageBuild{Docker: d, spec: spec, version: version, events: events}
	id, err := b.run(ctx, src)
	if b.sourceErr != nil {
		return paas.Image{}, fmt.Errorf("%s: read the source: %w", doing, b.sourceErr)
	}
	if err != nil {
		return paas.Image{}, explain(ctx, doing, err)
	}
	image, err := d.Image(ctx, id)
	if err == nil {
		image.Ref, err = d.publish(ctx, spec, events)
	}
	if err != nil {
		return paas.Image{}, fmt.Errorf("%s: %w", doing, err)
	}
	return image, nil
}

// builder is BuildKit unless the engine says that its builder is the old one.
func (d *Docker) builder(ctx context.Context) (build.BuilderVersion, error) {
	version := build.BuilderBuildKit
	err := d.call(ctx, readLimit, "ask for the builder", func(ctx context.Context) error {
		ping, err := d.client.Ping(ctx, client.PingOptions{})
		if ping.BuilderVersion == build.BuilderV1 {
			version = build.BuilderV1
		}
		return err
	})
	return version, err
}

// refused makes an answer of the engine that is not a build's failure readable; it has no step to name.
func refused(err error) error {
	if unreachable(err) {
		return err
	}
	if full(engineMessage(err)) {
		return buildFull("the image cannot be built", err)
	}
	return paas.Errorf(paas.Failed, "the image cannot be built: %s", engineMessage(err)).Because(err)
}

// cancelBuild tells an engine that would not notice the end of the connection.
func (d *Docker) cancelBuild(id string) {
	err := d.call(context.Background(), readLimit, "cancel the build", func(ctx context.Context) error {
		_, err := d.client.BuildCancel(ctx, id, client.BuildCancelOptions{})
		return err
	})
	if err != nil {
		d.log.Debug("a build was not canceled by its id", "error", err)
	}
}

// buildProgress turns a builder's messages into events.
type buildProgress interface {
	// message takes one; its error ends the build.
	message(m jsonstream.Message) error
	// failure describes the step that the build failed at; "" where none is known.
	failure() (step string)
}

// followBuild reads the messages of a build to the end and returns the image's id.
func followBuild(body io.Reader, progress buildProgress) (string, error) {
	messages := json.NewDecoder(body)
	id := ""
	for {
		var m jsonstream.Message
		err := messages.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("read the build's progress: %w", err)
		}
		if m.Error != nil {
			return "", buildFailed(progress.failure(), m.Error)
		}
		if found := imageID(m); found != "" {
			id = found
		}
		if err := progress.message(m); err != nil {
			return "", err
		}
	}
	if id == "" {
		return "", paas.Errorf(paas.Failed, "the builder ended without an image").WithHint("paas builds:log")
	}
	return id, nil
}

// imageID is the id in a message of either builder that carries one.
func imageID(m jsonstream.Message) string {
	if m.Aux == nil || m.ID != messageImageID && m.ID != "" {
		return ""
	}
	var result build.Result
	if json.Unmarshal(*m.Aux, &result) != nil || !strings.HasPrefix(result.ID, "sha256:") {
		return "" // some other message of the old builder
	}
	return result.ID
}

// buildFailed names the step, where one failed, and keeps the builder's words, which name a base image that cannot be
// had. It has a hint only where it is known here what went wrong.
func buildFailed(step string, e *jsonstream.Error) error {
	what := "the build failed"
	if step != "" {
		what += " at " + step
	}
	if full(e.Message) {
		return buildFull(what, e)
	}
	if name := missingSecret(e.Message); name != "" {
		return paas.Errorf(paas.Failed, "%s: the build secret %s is not set", what, name).WithHint("paas build:secret %s=…", name).Because(e)
	}
	if m := baseStep.FindStringSubmatch(step); m != nil && registryDenied(e.Message) {
		host := registryOf(m[1])
		return paas.Errorf(paas.Failed, "%s: registry %s refuses access to it", what, host).
			WithHint("check its name; if it is private: paas registry:login %s -u USER", host).Because(e)
	}
	return paas.Errorf(paas.Failed, "%s: %w", what, e)
}

// baseStep is the step at which BuildKit asks a registry for a base image.
var baseStep = regexp.MustCompile(`load metadata for (\S+)$`)

// secretText is how BuildKit says that a step requires a secret that it was not given.
var secretText = regexp.MustCompile(`secret ([A-Za-z0-9_.-]+)(?: not found)?: not found`)

func missingSecret(text string) string {
	if m := secretText.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// buildFull is a build that the Dockerfile is not to blame for.
func buildFull(what string, err error) error {
	cause := noSpace(err)
	return paas.Errorf(paas.Failed, "%s: %w", what, cause).WithHint("%s", cause.Hint)
}
