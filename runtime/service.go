package runtime

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"paas"
)

// What a service gets to end in: when its successor serves already, and when it has to make room for that first.
const (
	serviceGrace = 40 * time.Second // more than the router's requests in flight have
	serviceHaste = 10 * time.Second
)

// takeoverLimit is how long a successor may take to serve.
const takeoverLimit = 30 * time.Second

// ServiceSpec is a container that paasd itself needs, on the host's network: the router.
type ServiceSpec struct {
	Name   string // its container is paas-<Name>-<installation>
	Binary string // path of a static executable on this host; all that is in the image
	Image  string // or an image by its name, pulled where it is not there; its own entry point gets Args
	Args   []string
	Env    []string // NAME=value, beside the image's
	// Dirs are the folders of the host that it sees, each at the same path, writable. They must be there.
	Dirs   []string
	Labels map[string]string
	// Serving says which container serves now, by the value of ServiceEnv there. With it a successor is started beside the
	// one that serves and takes over from it; without, that one ends first.
	Serving func(ctx context.Context) (string, error) `json:"-"`
}

// ServiceEnv is set in a service's container to a name that no other one has.
const ServiceEnv = "PAAS_SERVICE"

// EnsureService sees to it that the service runs as the spec says, and is started again by the engine whenever it
// ends. One that does already, by the binary's content and all of the spec, is left alone; one that would is started; any
// other is replaced. A successor that does not come to serve is removed, and the one before stays.
//
// It runs as root without capabilities but the one to listen below port 1024, cannot gain others, and cannot write
// but in Dirs.
func (d *Docker) EnsureService(ctx context.Context, spec ServiceSpec) error {
	if err := d.ensureService(ctx, spec); err != nil {
		return fmt.Errorf("service %s: %w", spec.Name, err)
	}
	return nil
}

func (d *Docker) ensureService(ctx context.Context, spec ServiceSpec) error {
	present, err := d.serviceContainers(ctx, spec.Name)
	if err != nil {
		return err
	}
	content, err := d.serviceContent(ctx, spec)
	if err != nil {
		return err
	}
	sum, err := spec.sum(content)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(present, func(c container.Summary) bool { return c.Labels[labelServiceSum] == sum }); i >= 0 {
		own, others := present[i], slices.Delete(slices.Clone(present), i, i+1)
		if len(others) == 0 || spec.Serving == nil || !anotherServes(ctx, spec, own) {
			switch err := d.resumeService(ctx, own); {
			case err == nil:
				return d.succeed(ctx, spec.Name, own, others, serviceGrace)
			case paas.CodeOf(err) == paas.Unavailable:
				return err
			}
		}
	}
	return d.replaceService(ctx, spec, content, sum, present)
}

// anotherServes is so after a kill in the middle of a replacement, which is then made anew.
func anotherServes(ctx context.Context, spec ServiceSpec, own container.Summary) bool {
	name, err := spec.Serving(ctx)
	return err == nil && name != own.Labels[labelServiceAs]
}

// replaceService makes a service's container in the place of those that are there.
func (d *Docker) replaceService(ctx context.Context, spec ServiceSpec, content, sum string, present []container.Summary) error {
	image, err := d.serviceImage(ctx, spec, content)
	if err != nil {
		return err
	}
	next, err := d.createService(ctx, spec, image, sum)
	if err != nil {
		return err
	}
	grace := serviceHaste
	if spec.Serving != nil && len(present) > 0 {
		served, err := d.takeOver(ctx, spec, next)
		switch {
		case served:
			grace = serviceGrace
		case err != nil:
			d.discard(ctx, next.ID)
			return err
		}
	}
	if err := d.succeed(ctx, spec.Name, next, present, grace); err != nil {
		if grace == serviceHaste {
			d.discard(ctx, next.ID)
		}
		return err
	}
	return d.start(ctx, next.ID)
}

// takeOver starts a successor and waits until it serves. It fails when another one still does at the end; where none
// does, there is nothing to be taken over.
func (d *Docker) takeOver(ctx context.Context, spec ServiceSpec, next container.Summary) (served bool, err error) {
	if err := d.start(ctx, next.ID); err != nil {
		return false, err
	}
	served, another := awaitServing(ctx, spec.Serving, next.Labels[labelServiceAs])
	if !another {
		return served, nil
	}
	lines, _ := d.Tail(context.WithoutCancel(ctx), next.ID, 5) // without them the rest still says what happened
	return false, paas.Errorf(paas.Unavailable, "its successor did not come to serve in %s, the one before stays: %s", takeoverLimit, strings.Join(lines, " | "))
}

// awaitServing waits until the service of that name serves, and otherwise says whether another one does at the end.
func awaitServing(ctx context.Context, serving func(context.Context) (string, error), as string) (served, another bool) {
	ctx, cancel := context.WithTimeout(ctx, takeoverLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		name, err := serving(ctx)
		if err == nil && name == as {
			return true, false
		}
		if err == nil || ctx.Err() == nil { // else it is not the service that failed
			another = err == nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, another
		}
	}
}

// succeed ends the others and gives the name to one.
func (d *Docker) succeed(ctx context.Context, name string, one container.Summary, others []container.Summary, grace time.Duration) error {
	for _, old := range others {
		if err := d.endService(ctx, old.ID, grace); err != nil {
			return err
		}
	}
	if slices.Contains(one.Names, "/"+d.serviceName(name)) {
		return nil
	}
	return d.nameService(ctx, one.ID, name)
}

// resumeService starts a service's container unless it runs. It is not replaced for having ended: an engine that stops
// ends it too, and would have no container to start when it is back.
func (d *Docker) resumeService(ctx context.Context, c container.Summary) error {
	if c.State == container.StateRunning || c.State == container.StateRestarting {
		return nil
	}
	if err := d.Keep(ctx, c.ID); err != nil {
		return err
	}
	return d.start(ctx, c.ID)
}

// sum identifies a service: the content of its binary or image and all of its spec.
func (s ServiceSpec) sum(content string) (string, error) {
	s.Binary = content
	text, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func fileSum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, f.Close())
}

// RemoveService ends and removes a service. It is fine when there is none.
func (d *Docker) RemoveService(ctx context.Context, name string) error {
	present, err := d.serviceContainers(ctx, name)
	if err != nil {
		return fmt.Errorf("service %s: %w", name, err)
	}
	for _, c := range present {
		if err := d.endService(ctx, c.ID, serviceHaste); err != nil {
			return fmt.Errorf("service %s: %w", name, err)
		}
		if err := d.removeServiceImage(ctx, c.ImageID); err != nil {
			return fmt.Errorf("service %s: %w", name, err)
		}
	}
	return nil
}

func (d *Docker) serviceContainers(ctx context.Context, name string) ([]container.Summary, error) {
	var found []container.Summary
	err := d.call(ctx, readLimit, "look for its container", func(ctx context.Context) error {
		result, err := d.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: d.mine(labelService + "=" + name)})
		found = result.Items
		return err
	})
	return found, err
}

func (d *Docker) endService(ctx context.Context, id string, grace time.Duration) error {
	if _, err := d.Stop(ctx, id, grace); orGone(err) != nil {
		return err
	}
	return d.forceRemove(ctx, id)
}

func (d *Docker) nameService(ctx context.Context, id, name string) error {
	return d.call(ctx, writeLimit, "name its container", func(ctx context.Context) error {
		_, err := d.client.ContainerRename(ctx, id, client.ContainerRenameOptions{NewName: d.serviceName(name)})
		return err
	})
}

func (d *Docker) serviceName(name string) string { return "paas-" + name + "-" + d.installation }

// createService makes a container of a name of its own: the right one is still the predecessor's.
func (d *Docker) createService(ctx context.Context, spec ServiceSpec, image, sum string) (container.Summary, error) {
	as := d.serviceName(spec.Name) + "-" + strings.ToLower(rand.Text()[:6])
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{labelInstallation: d.installation, labelService: spec.Name, labelServiceSum: sum, labelServiceAs: as})
	mounts := make([]mount.Mount, 0, len(spec.Dirs))
	for _, dir := range spec.Dirs {
		mounts = append(mounts, mount.Mount{Type: mount.TypeBind, Source: dir, Target: dir})
	}
	made, pids := container.Summary{Names: []string{"/" + as}, Labels: labels}, int64(pidsLimit)
	err := d.call(ctx, writeLimit, "create its container", func(ctx context.Context) error {
		result, err := d.client.ContainerCreate(ctx, client.ContainerCreateOptions{
			Name: as,
			Config: &container.Config{
				Image: image, Entrypoint: spec.entrypoint(), Cmd: spec.Args, Labels: labels, WorkingDir: "/",
				Env: append([]string{ServiceEnv + "=" + as}, spec.Env...),
			},
			HostConfig: &container.HostConfig{
				NetworkMode:    "host",
				RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
				LogConfig:      logConfig(),
				ReadonlyRootfs: true,
				CapDrop:        []string{"ALL"},
				CapAdd:         []string{"NET_BIND_SERVICE"},
				SecurityOpt:    []string{"no-new-privileges"},
				Mounts:         mounts,
				Resources:      container.Resources{PidsLimit: &pids},
			},
		})
		made.ID = result.ID
		return err
	})
	return made, err
}

// serviceBinary is where the executable is in its image.
const serviceBinary = "/service"

// serviceImage returns the image of a binary, made unless it is there, or the one that the spec names.
func (d *Docker) serviceImage(ctx context.Context, spec ServiceSpec, sum string) (string, error) {
	if spec.Image != "" {
		return sum, nil
	}
	ref := "paas-" + d.installation + "/service-" + spec.Name + ":" + sum[:12]
	found, err := d.inspectImage(ctx, ref)
	if err == nil {
		return found.ID, nil
	}
	if paas.CodeOf(err) != paas.NotFound {
		return "", err
	}
	err = d.importImage(ctx, ref, func(w io.Writer) error { return packBinary(w, spec.Binary) })
	if err != nil {
		return "", err
	}
	found, err = d.inspectImage(ctx, ref)
	return found.ID, err
}

// packBinary writes the root file system of a service: its executable, and the folders that the engine mounts on.
func packBinary(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	archive := tar.NewWriter(w)
	header := &tar.Header{Name: strings.TrimPrefix(serviceBinary, "/"), Mode: 0o755, Size: info.Size(), ModTime: info.ModTime()}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if _, err := io.Copy(archive, f); err != nil {
		return err
	}
	return archive.Close()
}
