package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"paas"
)

// hangupGrace is what a run gets to end in when its client has gone.
const hangupGrace = 10 * time.Second

// Run runs a one-off process with the client attached and returns its exit code when it has ended and all of its
// output is written. started is called once it runs. When ctx ends, or a write to the client fails, the process gets
// HUP and the stop signal, then 10 seconds, then SIGKILL, and the error is paas.Canceled. The container is removed in
// any case; Run does not wait for that, Close does.
//
// The caller must see to it that writes to stdio fail when ctx ends. A read of Stdin that is under way when the
// process ends is left alone: it returns when the caller closes its end, and nothing more is done with what it read.
//
// A command that cannot be started gives 127 (not found) or 126 (not executable), and paas.Failed if the engine, not
// the instance's init, was who noticed.
func (d *Docker) Run(ctx context.Context, spec paas.InstanceSpec, stdio paas.Stdio, started func(paas.Instance)) (int, error) {
	spec.Labels = maps.Clone(spec.Labels)
	if spec.Labels == nil {
		spec.Labels = map[string]string{}
	}
	spec.Labels[labelAttached] = "true"

	var s *session
	c, err := d.launch(ctx, spec, func(ctx context.Context, c created) error {
		var err error
		if s, err = d.attach(ctx, c, spec, stdio); err != nil {
			return err
		}
		// The process may run, and its client leave, before the engine has answered: it is not killed for that.
		if err = d.start(context.WithoutCancel(ctx), c.id); err != nil {
			s.abandon()
		}
		return err
	})
	if err != nil {
		return notStartedCode(err), err
	}
	defer d.removeLater(c.id)
	if started != nil {
		started(startedNow(c, spec))
	}
	return s.run(ctx)
}

// startedNow is what the engine would say of an instance that has just been started; asking it costs a round trip.
func startedNow(c created, spec paas.InstanceSpec) paas.Instance {
	now := time.Now()
	return paas.Instance{
		ID: c.id, App: spec.App, AppName: spec.AppName, Type: spec.Type, Name: spec.Name, Release: spec.Release,
		Addr: c.addr, Port: spec.Port, CreatedAt: now, StartedAt: now, Running: true,
	}
}

// notStartedCode is the code of a command that the engine could not start: 126 or 127, else 125 as docker's.
func notStartedCode(err error) int {
	if failed, ok := errors.AsType[*notStarted](err); ok && failed.code != 0 {
		return failed.code
	}
	return 125
}

// removeLater removes a container, by id or name, behind the caller's back, which need not wait for it. While the engine
// is away it tries again, until Close: nobody else would.
func (d *Docker) removeLater(id string) {
	d.background.Go(func() {
		ctx := context.Background() // one attempt is not ended by Close, and has its own limit
		err := d.forceRemove(ctx, id)
		for wait := (backoff{}); paas.CodeOf(err) == paas.Unavailable; err = d.forceRemove(ctx, id) {
			wait.pause(d.life)
			if d.life.Err() != nil {
				break
			}
		}
		if err != nil {
			d.log.Warn("a container that is of no more use is left", "container", id, "error", err)
			return
		}
		d.addresses.release(id)
	})
}

// attach connects to a container that is yet to be started, so that none of its output is missed. The connection and
// the wait outlive ctx: a process whose client has gone is still to be ended.
func (d *Docker) attach(ctx context.Context, c created, spec paas.InstanceSpec, stdio paas.Stdio) (*session, error) {
	s := &session{
		process: oneOff{d, c.id}, log: d.log.With("instance", c.id), name: spec.Name,
		tty: spec.TTY, stdin: spec.Stdin, size: spec.Terminal, stdio: stdio,
	}
	waiting := make(chan struct{})
	go func() {
		defer close(waiting)
		s.exited, s.stopWaiting = d.waitFor(context.WithoutCancel(ctx), c.id, container.WaitConditionNextExit)
	}()
	err := d.call(ctx, readLimit, "attach to "+spec.Name, func(ctx context.Context) error {
		result, err := d.client.ContainerAttach(ctx, c.id, client.ContainerAttachOptions{
			Stream: true, Stdin: spec.Stdin, Stdout: true, Stderr: true,
		})
		s.conn = result.HijackedResponse
		return err
	})
	<-waiting
	if err != nil {
		s.stopWaiting()
		return nil, fmt.Errorf("run %s: %w", spec.Name, err)
	}
	s.copyOut()
	return s, nil
}

// oneOff is the process of an attached run: its container is there for it alone.
type oneOff struct {
	docker *Docker
	id     string
}

func (p oneOff) resize(ctx context.Context, size paas.TerminalSize) error {
	return p.docker.call(ctx, readLimit, "resize the terminal of instance "+short(p.id), func(ctx context.Context) error {
		_, err := p.docker.client.ContainerResize(ctx, p.id, client.ContainerResizeOptions{Height: uint(size.Rows), Width: uint(size.Cols)})
		return err
	})
}

func (p oneOff) signal(ctx context.Context, name string) error {
	return p.docker.Signal(ctx, p.id, name)
}

func (p oneOff) hangUp(ctx context.Context) error {
	if err := p.signal(ctx, "HUP"); notRunning(err) != nil {
		return err
	}
	_, err := p.docker.Stop(ctx, p.id, hangupGrace)
	return err
}
