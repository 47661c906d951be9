package runtime

import (
	"context"
	"fmt"

	"github.com/moby/moby/client"

	"paas"
)

// pullLimit bounds the pull of a service's image.
const pullLimit = 10 * writeLimit

// PrepareService gets the image of a service, so that it can be started without much delay.
func (d *Docker) PrepareService(ctx context.Context, spec ServiceSpec) error {
	content, err := d.serviceContent(ctx, spec)
	if err == nil {
		_, err = d.serviceImage(ctx, spec, content)
	}
	if err != nil {
		return fmt.Errorf("service %s: %w", spec.Name, err)
	}
	return nil
}

// serviceContent identifies what a service runs: the sum of its binary, or the id of its image.
func (d *Docker) serviceContent(ctx context.Context, spec ServiceSpec) (string, error) {
	if spec.Image == "" {
		return fileSum(spec.Binary)
	}
	found, err := d.inspectImage(ctx, spec.Image)
	if paas.CodeOf(err) != paas.NotFound {
		return found.ID, err
	}
	if err := d.pull(ctx, spec.Image); err != nil {
		return "", err
	}
	found, err = d.inspectImage(ctx, spec.Image)
	return found.ID, err
}

func (d *Docker) pull(ctx context.Context, image string) error {
	return d.call(ctx, pullLimit, "pull image "+image, func(ctx context.Context) error {
		progress, err := d.client.ImagePull(ctx, image, client.ImagePullOptions{})
		if err != nil {
			return err
		}
		defer func() { _ = progress.Close() }() // only read from
		return progress.Wait(ctx)
	})
}

// entrypoint of the container; nil is the image's own.
func (s ServiceSpec) entrypoint() []string {
	if s.Image != "" {
		return nil
	}
	return []string{serviceBinary}
}

// removeServiceImage removes an image that was made for a service, when no other container needs it.
func (d *Docker) removeServiceImage(ctx context.Context, id string) error {
	found, err := d.inspectImage(ctx, id)
	if paas.CodeOf(err) == paas.NotFound || err == nil && (found.Config == nil || found.Config.Labels[labelInstallation] != d.installation) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.removeImage(ctx, id); err != nil && paas.CodeOf(err) != paas.Conflict {
		return err
	}
	return nil
}

// SignalService sends a signal, as kill(1) names it, to a service that runs; it is fine when there is none.
func (d *Docker) SignalService(ctx context.Context, name, signal string) error {
	present, err := d.serviceContainers(ctx, name)
	if err != nil {
		return err
	}
	for _, c := range present {
		err := d.call(ctx, writeLimit, "signal service "+name, func(ctx context.Context) error {
			_, err := d.client.ContainerKill(ctx, c.ID, client.ContainerKillOptions{Signal: signal})
			return err
		})
		if orGone(err) != nil {
			return err
		}
	}
	return nil
}

// HasService says whether a service is there, running or not.
func (d *Docker) HasService(ctx context.Context, name string) (bool, error) {
	present, err := d.serviceContainers(ctx, name)
	return len(present) > 0, err
}
