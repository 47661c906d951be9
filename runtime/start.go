package runtime

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"paas"
)

// addressTries bounds how many addresses an instance tries when the engine says that one is taken, which happens only
// if somebody put a container of their own on the app's network.
const addressTries = 5

// created is a container that was made from a spec and may run or not.
type created struct {
	id   string
	addr netip.Addr
}

// Start creates an instance and starts it. Its TTY, stdin and size are ignored: nobody is attached. The app's network
// is made when it is missing. Where starting fails, nothing is left.
//
// Errors: paas.NotFound for a missing image, paas.Failed when the engine cannot start the command, paas.Conflict when
// the subnet is in use on the host or full.
func (d *Docker) Start(ctx context.Context, spec paas.InstanceSpec) (paas.Instance, error) {
	spec.TTY, spec.Stdin, spec.Terminal = false, false, paas.TerminalSize{}
	c, err := d.launch(ctx, spec, func(ctx context.Context, c created) error { return d.start(ctx, c.id) })
	if err != nil {
		return paas.Instance{}, err
	}
	return d.Instance(ctx, c.id)
}

// launch creates the container of a spec and starts it by start, with another address as long as the engine finds the
// address taken, and after making the network if the engine misses it.
func (d *Docker) launch(ctx context.Context, spec paas.InstanceSpec, start func(context.Context, created) error) (created, error) {
	for try := 1; ; try++ {
		c, err := d.create(ctx, spec)
		if err != nil {
			return created{}, fmt.Errorf("create instance %s: %w", spec.Name, err)
		}
		err = start(ctx, c)
		if cerrdefs.IsNotFound(err) {
			if err = d.ensureNetwork(ctx, spec.App, spec.AppName, spec.Subnet); err == nil {
				err = start(ctx, c)
			}
		}
		if err == nil {
			return c, nil
		}
		err = d.startError(ctx, spec, c.id, err)
		d.discard(ctx, c.id)
		if !addressTaken(err) || try == addressTries {
			return created{}, err
		}
	}
}

// addressTaken says whether an error may come from an address that another container has: the engine answers with
// the same status to nothing else that a start can meet.
func addressTaken(err error) bool {
	return cerrdefs.IsPermissionDenied(err) || cerrdefs.IsConflict(err)
}

func (d *Docker) start(ctx context.Context, id string) error {
	return d.call(ctx, writeLimit, "start "+short(id), func(ctx context.Context) error {
		_, err := d.client.ContainerStart(ctx, id, client.ContainerStartOptions{})
		return err
	})
}

// create makes the container of a spec with an address of its own.
func (d *Docker) create(ctx context.Context, spec paas.InstanceSpec) (created, error) {
	addr, err := d.reserve(ctx, spec.App, spec.Subnet)
	if err != nil {
		return created{}, err
	}
	name := d.containerName(spec)
	id, err := d.createNamed(ctx, name, spec, addr)
	if cerrdefs.IsNotFound(err) {
		id, err = d.createMissing(ctx, name, spec, addr, err)
	}
	if err != nil {
		d.addresses.free(spec.App, addr)
		if ctx.Err() != nil {
			d.discard(ctx, name) // the engine may have made it all the same
		}
		return created{}, err
	}
	d.addresses.hold(spec.App, addr, id)
	return created{id: id, addr: addr}, nil
}

// createMissing is create after the engine has missed the image or, as newer engines do already here, the network.
func (d *Docker) createMissing(ctx context.Context, name string, spec paas.InstanceSpec, addr netip.Addr, cause error) (string, error) {
	if _, err := d.inspectImage(ctx, spec.Image.ID); err != nil {
		return "", err
	}
	if err := d.ensureNetwork(ctx, spec.App, spec.AppName, spec.Subnet); err != nil {
		return "", fmt.Errorf("%w (after: %w)", err, cause)
	}
	return d.createNamed(ctx, name, spec, addr)
}

func (d *Docker) createNamed(ctx context.Context, name string, spec paas.InstanceSpec, addr netip.Addr) (string, error) {
	limits, err := d.limitsOf(ctx, spec.Size)
	if err != nil {
		return "", err
	}
	var id string
	err = d.call(ctx, writeLimit, "create container "+name, func(ctx context.Context) error {
		result, err := d.client.ContainerCreate(ctx, client.ContainerCreateOptions{
			Name: name, Config: d.config(spec), HostConfig: d.hostConfig(spec, limits),
			NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
				d.networkName(spec.App): {IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: addr}},
			}},
		})
		id = result.ID
		return err
	})
	return id, err
}

// containerName is unique, so that an instance and its successor in the same slot can be there together.
func (d *Docker) containerName(spec paas.InstanceSpec) string {
	return fmt.Sprintf("paas-%s-%s-%s-v%d-%s", d.installation, spec.AppName, spec.Name, spec.Release, strings.ToLower(rand.Text()[:6]))
}

func (d *Docker) config(spec paas.InstanceSpec) *container.Config {
	return &container.Config{
		Image:        spec.Image.ID,
		Hostname:     hostname(spec.Name),
		Cmd:          spec.Command,
		Env:          spec.Env,
		Labels:       d.labelsOf(spec),
		Tty:          spec.TTY,
		OpenStdin:    spec.Stdin,
		StdinOnce:    spec.Stdin,
		AttachStdin:  spec.Stdin,
		AttachStdout: true,
		AttachStderr: true,
	}
}

// maxHostname is what a label of the domain name system, and nearly what the kernel, takes.
const maxHostname = 63

// hostname is an instance's name, or as much of its end, which has the number, as a host name may have.
func hostname(name string) string { return name[max(0, len(name)-maxHostname):] }

func (d *Docker) hostConfig(spec paas.InstanceSpec, limits paas.Size) *container.HostConfig {
	init := true
	return &container.HostConfig{
		NetworkMode: container.NetworkMode(d.networkName(spec.App)),
		LogConfig:   logConfig(),
		SecurityOpt: []string{"no-new-privileges"},
		// Engines before API 1.42 ignore the size here; Run sets it again after the start.
		ConsoleSize: [2]uint{uint(spec.Terminal.Rows), uint(spec.Terminal.Cols)},
		Init:        &init,
		Resources:   resources(limits),
	}
}

// logConfig bounds what the engine keeps of an instance's output. It is the local driver because it keeps the bytes as
// they are, where json-file replaces what is not UTF-8.
func logConfig() container.LogConfig {
	return container.LogConfig{Type: "local", Config: map[string]string{"max-size": "10m", "max-file": "3", "compress": "false"}}
}

// startError says why a container did not start. The engine marks a command that it cannot find or execute by the
// exit code of a container that never ran.
func (d *Docker) startError(ctx context.Context, spec paas.InstanceSpec, id string, err error) error {
	if ctx.Err() != nil || paas.CodeOf(err) != paas.Internal || addressTaken(err) || cerrdefs.IsNotFound(err) {
		return fmt.Errorf("start instance %s: %w", spec.Name, err)
	}
	failed := paas.Errorf(paas.Failed, "%s could not be started: %s", spec.Name, engineMessage(err)).
		WithHint("check the command, user and working directory of the image").Because(err)
	if c, inspectErr := d.inspect(ctx, id); inspectErr == nil {
		failed.Err = &notStarted{code: c.State.ExitCode, err: err}
	}
	return failed
}

// notStarted carries the exit code that a shell would give for a command that did not start.
type notStarted struct {
	code int
	err  error
}

func (e *notStarted) Error() string { return e.err.Error() }
func (e *notStarted) Unwrap() error { return e.err }

// discard removes a container, by id or name, that came to nothing. It does so even if ctx has ended, and later if the
// engine is away.
func (d *Docker) discard(ctx context.Context, id string) {
	err := d.forceRemove(context.WithoutCancel(ctx), id)
	switch {
	case err == nil:
		d.addresses.release(id)
	case paas.CodeOf(err) == paas.Unavailable:
		d.removeLater(id)
	default:
		d.log.Warn("a container that was not started is left", "container", id, "error", err)
	}
}
