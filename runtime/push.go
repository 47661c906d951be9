package runtime

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"paas"
)

// pushPause is between two attempts, the longer the more there were.
const pushPause = time.Second

// publish puts a built image into the installation's registry, if it has one, as PREFIX/<app>:b<build>, and returns its
// name there by digest. The name is taken off the engine again: the image is collected as any other.
func (d *Docker) publish(ctx context.Context, spec paas.ImageSpec, events func(paas.BuildEvent)) (string, error) {
	if d.registry == "" {
		return "", nil
	}
	target := d.registry + "/" + spec.Name + ":b" + strconv.Itoa(spec.Build)
	named, err := parseImage(target)
	if err != nil {
		return "", err
	}
	auth, err := d.authFor(named)
	if err != nil {
		return "", err
	}
	err = d.call(ctx, writeLimit, "name image "+target, func(ctx context.Context) error {
		_, err := d.client.ImageTag(ctx, client.ImageTagOptions{Source: d.tag(spec), Target: target})
		return err
	})
	if err != nil {
		return "", err
	}
	defer d.forget(ctx, target)
	step := transfer{step: "push", name: "[push] " + target, events: events}
	sum := ""
	err = step.run(func() (err error) {
		sum, err = d.push(ctx, named, auth, step)
		return err
	})
	if err != nil {
		return "", err
	}
	pinned, err := pin(named, sum)
	if err != nil {
		return "", err
	}
	return pinned.String(), nil
}

// push tries until the registry has the image, or has said that it does not take it.
func (d *Docker) push(ctx context.Context, named reference.Named, auth string, step transfer) (string, error) {
	for n := 1; ; n++ {
		sum, err := d.pushOnce(ctx, named, auth, step)
		switch {
		case err == nil:
			return sum, nil
		case ctx.Err() != nil:
			return "", explain(ctx, "push "+named.String(), err)
		case n == attempts || registryDenied(errorText(err)):
			return "", notPushed(named, err)
		}
		step.again(n, err)
		select {
		case <-time.After(time.Duration(n) * pushPause):
		case <-ctx.Done():
		}
	}
}

func notPushed(named reference.Named, err error) error {
	host := reference.Domain(named)
	if registryDenied(errorText(err)) {
		return paas.Errorf(paas.Failed, "registry %s does not take image %s", host, named).
			WithHint("paas registry:login %s -u USER", host).Because(err)
	}
	return paas.Errorf(paas.Failed, "image %s could not be pushed: %s", named, errorText(err)).
		WithHint("check that registry %s answers this host, and push again", host).Because(err)
}

func (d *Docker) pushOnce(ctx context.Context, named reference.Named, auth string, step transfer) (string, error) {
	progress, err := d.client.ImagePush(ctx, named.String(), client.ImagePushOptions{RegistryAuth: auth})
	if err != nil {
		return "", err
	}
	var pushed struct{ Digest string }
	err = step.follow(ctx, progress, func(m jsonstream.Message) {
		if m.Aux != nil && json.Unmarshal(*m.Aux, &pushed) != nil {
			pushed.Digest = "" // something else: the last one has it
		}
	})
	if err != nil {
		return "", err
	}
	return pushed.Digest, nil
}
