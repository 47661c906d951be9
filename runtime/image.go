package runtime

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"paas"
)

// images remembers which images have a shell: an image never changes, and looking takes a container.
type images struct{ shell sync.Map }

// Image describes an image, by its id; paas.NotFound when the engine does not have it any more.
func (d *Docker) Image(ctx context.Context, id string) (paas.Image, error) {
	found, err := d.inspectImage(ctx, id)
	if err != nil {
		return paas.Image{}, err
	}
	image := paas.Image{ID: found.ID}
	if found.Config != nil {
		image.Port = exposedPort(found.Config.ExposedPorts)
	}
	image.Shell, err = d.hasShell(ctx, found.ID)
	return image, err
}

func (d *Docker) inspectImage(ctx context.Context, id string) (client.ImageInspectResult, error) {
	var found client.ImageInspectResult
	err := d.call(ctx, readLimit, "inspect image "+id, func(ctx context.Context) error {
		var err error
		found, err = d.client.ImageInspect(ctx, id)
		return err
	})
	if cerrdefs.IsNotFound(err) {
		return found, imageGone(id).Because(err)
	}
	return found, err
}

// exposedPort is the one TCP port of an image's EXPOSE lines; 0 when there is none or several.
func exposedPort(exposed map[string]struct{}) int {
	port := 0
	for p := range exposed {
		n, proto, _ := strings.Cut(p, "/")
		if proto != "" && proto != "tcp" {
			continue
		}
		if port != 0 {
			return 0
		}
		var err error
		if port, err = strconv.Atoi(n); err != nil || port < 1 || port > 65535 {
			return 0
		}
	}
	return port
}

// hasShell says whether an image has /bin/sh, by looking into a container that is never started.
func (d *Docker) hasShell(ctx context.Context, id string) (bool, error) {
	if known, ok := d.images.shell.Load(id); ok {
		return known == true, nil
	}
	var probe string
	err := d.call(ctx, writeLimit, "look into image "+id, func(ctx context.Context) error {
		result, err := d.client.ContainerCreate(ctx, client.ContainerCreateOptions{
			Config: &container.Config{
				Image: id, Cmd: []string{"never-started"}, NetworkDisabled: true,
				Labels: map[string]string{labelInstallation: d.installation, labelLook: id},
			},
			HostConfig: &container.HostConfig{NetworkMode: "none"},
		})
		probe = result.ID
		return err
	})
	if err != nil {
		return false, err
	}
	defer d.discard(ctx, probe)
	err = d.call(ctx, readLimit, "look for a shell in image "+id, func(ctx context.Context) error {
		_, err := d.client.ContainerStatPath(ctx, probe, client.ContainerStatPathOptions{Path: "/bin/sh"})
		return err
	})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return false, err
	}
	d.images.shell.Store(id, err == nil)
	return err == nil, nil
}

// Images lists the images that were built for an app, or for all of them for app "".
func (d *Docker) Images(ctx context.Context, app string) ([]paas.StoredImage, error) {
	label := labelAppID
	if app != "" {
		label += "=" + app
	}
	var images []paas.StoredImage
	err := d.call(ctx, readLimit, "list images", func(ctx context.Context) error {
		result, err := d.client.ImageList(ctx, client.ImageListOptions{Filters: d.mine(label)})
		for _, i := range result.Items {
			images = append(images, paas.StoredImage{ID: i.ID, App: i.Labels[labelAppID]})
		}
		return err
	})
	return images, err
}

// RemoveImage removes an image with all names that the installation gave it. It is fine when it is gone already;
// paas.Conflict while an instance needs it.
func (d *Docker) RemoveImage(ctx context.Context, id string) error {
	d.images.shell.Delete(id)
	found, err := d.inspectImage(ctx, id)
	if err != nil {
		return orGone(err)
	}
	if err := d.removeLooks(ctx, found.ID); err != nil {
		return err
	}
	refs := []string{}
	for _, tag := range found.RepoTags {
		if strings.HasPrefix(tag, d.repository("")) {
			refs = append(refs, tag)
		}
	}
	if len(refs) == 0 {
		refs = []string{id}
	}
	for _, ref := range refs {
		if err := d.removeImage(ctx, ref); err != nil {
			return err
		}
	}
	return nil
}

// removeLooks removes containers of hasShell that a crash has left; they would keep the image.
func (d *Docker) removeLooks(ctx context.Context, id string) error {
	var left []container.Summary
	err := d.call(ctx, readLimit, "look for leftovers of image "+id, func(ctx context.Context) error {
		result, err := d.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: d.mine(labelLook + "=" + id)})
		left = result.Items
		return err
	})
	for _, c := range left {
		err = errors.Join(err, d.forceRemove(ctx, c.ID))
	}
	return err
}

func (d *Docker) removeImage(ctx context.Context, ref string) error {
	err := d.call(ctx, 2*writeLimit, "remove image "+ref, func(ctx context.Context) error {
		_, err := d.client.ImageRemove(ctx, ref, client.ImageRemoveOptions{PruneChildren: true})
		return err
	})
	switch {
	case cerrdefs.IsNotFound(err):
		return nil
	case cerrdefs.IsConflict(err):
		return paas.Errorf(paas.Conflict, "image %s is in use", ref).WithHint("paas ps").Because(err)
	}
	return err
}

func orGone(err error) error {
	if paas.CodeOf(err) == paas.NotFound {
		return nil
	}
	return err
}

// repository is the name of an app's images, without a tag.
func (d *Docker) repository(app string) string { return "paas-" + d.installation + "/" + app }
