package runtime

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"paas"
)

// Exec runs a command inside a running instance with the client attached and returns its exit code when it has ended
// and its output is written. The command has the instance's environment, user and working directory and no other
// rights than the instance's process. An instance that does not run is paas.Conflict, one that is gone paas.NotFound. A
// command that cannot be started gives 126 or 127, by the engine's version, with what the engine says of it on stdout.
//
// When ctx ends, or a write to the client fails, the command gets HUP, after 10 seconds KILL, and the error is
// paas.Canceled. The engine has no call that signals a command, so the kernel is asked, which takes the rights to and
// the engine on this host; without, a command finds its input at its end, on a terminal not even that, and goes on
// until it or its instance ends. Nor is what the command has started itself signalled: a terminal hangs up on its
// foreground processes when the command ends, anything else stays until the instance ends.
//
// Stdio is used as by Run.
func (d *Docker) Exec(ctx context.Context, id string, req paas.ExecRequest, stdio paas.Stdio) (int, error) {
	c, err := d.createExec(ctx, id, req)
	if err != nil {
		return 0, err
	}
	s := &session{
		process: c, log: d.log.With("instance", id), name: "a command in instance " + short(id),
		tty: req.TTY, stdin: req.Stdin, size: req.Terminal, stdio: stdio,
	}
	// It may run, and its client leave, before the engine has answered: it has to be ended then.
	if s.conn, err = c.start(context.WithoutCancel(ctx), req); err != nil {
		return 0, err
	}
	s.copyOut()
	s.exited, s.stopWaiting = c.exit(context.WithoutCancel(ctx), s.copied)
	return s.run(ctx)
}

// command is one that was asked for in an instance.
type command struct {
	docker   *Docker
	id       string // the engine's, of the command
	instance string
}

func (d *Docker) createExec(ctx context.Context, id string, req paas.ExecRequest) (*command, error) {
	env := make([]string, 0, len(req.Env))
	for _, k := range slices.Sorted(maps.Keys(req.Env)) {
		env = append(env, k+"="+req.Env[k])
	}
	options := client.ExecCreateOptions{
		Cmd: req.Command, Env: env, TTY: req.TTY, AttachStdin: req.Stdin, AttachStdout: true, AttachStderr: true,
	}
	if req.TTY {
		options.ConsoleSize = client.ConsoleSize{Height: uint(req.Terminal.Rows), Width: uint(req.Terminal.Cols)} // from API 1.42 on; see also session.control
	}
	c := &command{docker: d, instance: id}
	err := d.call(ctx, writeLimit, "prepare a command in instance "+short(id), func(ctx context.Context) error {
		result, err := d.client.ExecCreate(ctx, id, options)
		c.id = result.ID
		return err
	})
	return c, c.explain(err)
}

// start starts it with its streams attached.
func (c *command) start(ctx context.Context, req paas.ExecRequest) (client.HijackedResponse, error) {
	var conn client.HijackedResponse
	err := c.docker.call(ctx, writeLimit, "start a command in instance "+short(c.instance), func(ctx context.Context) error {
		result, err := c.docker.client.ExecAttach(ctx, c.id, client.ExecAttachOptions{TTY: req.TTY})
		conn = result.HijackedResponse
		return err
	})
	return conn, c.explain(err)
}

// explain makes what the engine answers about an instance that does not run, or not any more, an error for users.
func (c *command) explain(err error) error {
	switch {
	case cerrdefs.IsNotFound(err):
		return gone(c.instance).Because(err)
	case cerrdefs.IsConflict(err):
		return notUp(c.instance).Because(err)
	}
	return err
}

// exit waits in the background for the command's end. The engine tells of none; but it ends the output of a command
// that has ended, so there is little to ask before. The caller must call stop, which waits for the goroutine.
func (c *command) exit(ctx context.Context, copied <-chan struct{}) (exited <-chan exit, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	result, finished := make(chan exit, 1), make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-copied:
		case <-ctx.Done():
		}
		code, err := c.wait(ctx)
		result <- exit{code, err}
	}()
	return result, func() {
		cancel()
		<-finished
	}
}

// How often wait asks, at first and at last.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = time.Second
)

// wait returns the exit code of the command when it has ended.
func (c *command) wait(ctx context.Context) (int, error) {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		state, err := c.inspect(ctx)
		if err != nil || !state.Running {
			return state.ExitCode, err
		}
		if err := sleep(ctx, pause); err != nil {
			return 0, fmt.Errorf("wait for a command in instance %s: %w", short(c.instance), err)
		}
	}
}

// sleep waits, and returns why it ended early if it did.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *command) inspect(ctx context.Context) (client.ExecInspectResult, error) {
	var state client.ExecInspectResult
	err := c.docker.call(ctx, readLimit, "inspect a command in instance "+short(c.instance), func(ctx context.Context) (err error) {
		state, err = c.docker.client.ExecInspect(ctx, c.id, client.ExecInspectOptions{})
		return err
	})
	return state, c.explain(err)
}

func (c *command) resize(ctx context.Context, size paas.TerminalSize) error {
	return c.docker.call(ctx, readLimit, "resize the terminal of a command in instance "+short(c.instance), func(ctx context.Context) error {
		_, err := c.docker.client.ExecResize(ctx, c.id, client.ExecResizeOptions{Height: uint(size.Rows), Width: uint(size.Cols)})
		return err
	})
}

func (c *command) hangUp(ctx context.Context) error {
	if err := c.signal(ctx, "HUP"); err != nil {
		return notRunning(err)
	}
	bounded, cancel := context.WithTimeout(ctx, hangupGrace)
	defer cancel()
	if _, err := c.wait(bounded); bounded.Err() == nil {
		return err
	}
	return notRunning(c.signal(ctx, "KILL"))
}
