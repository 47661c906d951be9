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
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"paas"
)

// serviceGrace is what a service gets to end in when it is replaced.
const serviceGrace = 10 * time.Second

// ServiceSpec is a container that paasd itself needs, on the host's network: the router.
type ServiceSpec struct {
	Name   string // its container is paas-<Name>-<installation>
	Binary string // path of a static executable on this host; all that is in the image
	Image  string // or an image by its name, pulled where it is not there; its own entry point gets Args
	Args   []string
	Env    []string // NAME=value, beside the image's
	// Dir is the one folder of the host that it sees, at the same path, writable. It must be there.
	Dir    string
	Labels map[string]string
}

// EnsureService sees to it that the service runs as the spec says, and is started again by the engine whenever it
// ends. One that does already, by the binary's content and all of the spec, is left alone; one that would is started; any
// other is replaced, its successor being ready to start before it ends.
//
// It runs as root without capabilities but the one to listen below port 1024, cannot gain others, and cannot write
// but in Dir.
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
	if len(present) == 1 && present[0].Labels[labelServiceSum] == sum {
		if err := d.resumeService(ctx, present[0]); err == nil || paas.CodeOf(err) == paas.Unavailable {
			return err
		}
	}
	image, err := d.serviceImage(ctx, spec, content)
	if err != nil {
		return err
	}
	id, err := d.createService(ctx, spec, image, sum)
	if err != nil {
		return err
	}
	for _, old := range present {
		if err := d.endService(ctx, old.ID); err != nil {
			d.discard(ctx, id)
			return err
		}
	}
	if err := d.nameService(ctx, id, spec.Name); err != nil {
		d.discard(ctx, id)
		return err
	}
	return d.start(ctx, id)
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
		if err := d.endService(ctx, c.ID); err != nil {
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

func (d *Docker) endService(ctx context.Context, id string) error {
	if _, err := d.Stop(ctx, id, serviceGrace); orGone(err) != nil {
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

func (d *Docker) createService(ctx context.Context, spec ServiceSpec, image, sum string) (string, error) {
	labels := maps.Clone(spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, map[string]string{labelInstallation: d.installation, labelService: spec.Name, labelServiceSum: sum})
	pids := int64(pidsLimit)
	var id string
	err := d.call(ctx, writeLimit, "create its container", func(ctx context.Context) error {
		result, err := d.client.ContainerCreate(ctx, client.ContainerCreateOptions{
			// The right name is still the predecessor's.
			Name: d.serviceName(spec.Name) + "-" + strings.ToLower(rand.Text()[:6]),
			Config: &container.Config{
				Image: image, Entrypoint: spec.entrypoint(), Cmd: spec.Args, Env: spec.Env, Labels: labels, WorkingDir: "/",
			},
			HostConfig: &container.HostConfig{
				NetworkMode:    "host",
				RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
				LogConfig:      logConfig(),
				ReadonlyRootfs: true,
				CapDrop:        []string{"ALL"},
				CapAdd:         []string{"NET_BIND_SERVICE"},
				SecurityOpt:    []string{"no-new-privileges"},
				Mounts:         []mount.Mount{{Type: mount.TypeBind, Source: spec.Dir, Target: spec.Dir}},
				Resources:      container.Resources{PidsLimit: &pids},
			},
		})
		id = result.ID
		return err
	})
	return id, err
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
	err = d.call(ctx, 4*writeLimit, "make its image", func(ctx context.Context) error {
		content, writer := io.Pipe()
		packed := make(chan struct{})
		go func() {
			defer close(packed)
			writer.CloseWithError(packBinary(writer, spec.Binary))
		}()
		defer func() { <-packed }()
		defer content.Close()
		stream, err := d.client.ImageImport(ctx, client.ImageImportSource{Source: content, SourceName: "-"}, ref, client.ImageImportOptions{
			Changes: []string{"LABEL " + labelInstallation + "=" + d.installation},
		})
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, stream)
		return errors.Join(err, stream.Close())
	})
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
