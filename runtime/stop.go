package runtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"paas"
)

// killLimit is how long a SIGKILL may take to show.
const killLimit = 30 * time.Second

// Keep makes the engine start the instance again whenever it ends, also after a reboot. Until then it does not.
func (d *Docker) Keep(ctx context.Context, id string) error {
	return d.restartPolicy(ctx, id, container.RestartPolicyUnlessStopped)
}

func (d *Docker) restartPolicy(ctx context.Context, id string, mode container.RestartPolicyMode) error {
	err := d.call(ctx, writeLimit, "set the restart policy of instance "+short(id), func(ctx context.Context) error {
		_, err := d.client.ContainerUpdate(ctx, id, client.ContainerUpdateOptions{RestartPolicy: &container.RestartPolicy{Name: mode}})
		return err
	})
	if cerrdefs.IsNotFound(err) {
		return gone(id).Because(err)
	}
	return err
}

// Signal sends a signal, named as TERM or SIGTERM, to the instance's process. An instance that does not run is
// paas.Conflict.
func (d *Docker) Signal(ctx context.Context, id, name string) error {
	err := d.call(ctx, writeLimit, "send "+name+" to instance "+short(id), func(ctx context.Context) error {
		_, err := d.client.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: name})
		return err
	})
	switch {
	case cerrdefs.IsNotFound(err):
		return gone(id).Because(err)
	case cerrdefs.IsConflict(err):
		return notUp(id).Because(err)
	case cerrdefs.IsInvalidArgument(err):
		return paas.Errorf(paas.Invalid, "%s is not a signal", paas.Quote(name)).WithHint("use TERM, INT, HUP, …").Because(err)
	}
	return err
}

// Stop asks the process to end by the image's stop signal, SIGTERM unless it names one, and after grace ends it by
// SIGKILL, which killed says. The engine does not start it again. It is fine when the instance has ended already.
// When ctx ends first, the instance goes on with the signal it got.
func (d *Docker) Stop(ctx context.Context, id string, grace time.Duration) (killed bool, err error) {
	c, err := d.inspect(ctx, id)
	if err != nil {
		return false, err
	}
	if err := d.restartPolicy(ctx, id, container.RestartPolicyDisabled); err != nil {
		return false, err
	}
	exited, stopWaiting := d.exit(ctx, id)
	defer stopWaiting()

	if err := d.Signal(ctx, id, stopSignal(c)); err != nil {
		return false, notRunning(err)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case e := <-exited:
		return false, e.err
	case <-timer.C:
	}
	if err := d.Signal(ctx, id, "KILL"); err != nil {
		return false, notRunning(err) // it ended just now, by itself
	}
	timer.Reset(killLimit)
	select {
	case e := <-exited:
		return true, e.err
	case <-timer.C:
		return true, fmt.Errorf("instance %s is still there %s after SIGKILL", short(id), killLimit)
	}
}

func stopSignal(c container.InspectResponse) string {
	if c.Config.StopSignal != "" {
		return c.Config.StopSignal
	}
	return "TERM"
}

// notRunning lets pass the error of a signal to an instance that has ended, which is what Stop wants.
func notRunning(err error) error {
	if paas.CodeOf(err) == paas.Conflict {
		return nil
	}
	return err
}

// exit is how a wait for an instance's end came out.
type exit struct {
	code int
	err  error
}

// exit waits for the end of a running instance in the background; when it returns, the engine has the wait noted. The
// caller must call stop, which waits for the goroutine.
func (d *Docker) exit(ctx context.Context, id string) (exited <-chan exit, stop func()) {
	return d.waitFor(ctx, id, container.WaitConditionNotRunning)
}

func (d *Docker) waitFor(ctx context.Context, id string, condition container.WaitCondition) (<-chan exit, func()) {
	waiting, cancel := context.WithCancel(ctx)
	noAnswer := time.AfterFunc(readLimit, cancel)
	wait := d.client.ContainerWait(waiting, id, client.ContainerWaitOptions{Condition: condition})
	noAnswer.Stop()
	exited := make(chan exit, 1)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case r := <-wait.Result:
			d.mirror.told(id) // before the engine's events do
			e := exit{code: int(r.StatusCode)}
			if r.Error != nil {
				e.err = fmt.Errorf("wait for instance %s: %s", short(id), r.Error.Message)
			}
			exited <- e
		case err := <-wait.Error:
			if cerrdefs.IsNotFound(err) {
				err = gone(id).Because(err)
			}
			exited <- exit{err: explain(ctx, "wait for instance "+short(id), err)}
		}
	}()
	return exited, func() {
		cancel()
		<-finished
	}
}

// Wait returns the instance when it has ended; at once, if it has already or was never started.
func (d *Docker) Wait(ctx context.Context, id string) (paas.Instance, error) {
	exited, stop := d.exit(ctx, id)
	defer stop()
	if e := <-exited; e.err != nil {
		return paas.Instance{}, e.err
	}
	i, err := d.Instance(ctx, id)
	if err == nil && i.ExitCode == statusKilled && !i.OOMKilled {
		i.OOMKilled = d.ranOutOfMemory(ctx, i)
	}
	return i, err
}

const (
	statusKilled = 128 + 9 // by SIGKILL
	// oomWindow is how much later than of an exit the engine may hear why it was: the two come to it by different ways.
	oomWindow = 500 * time.Millisecond
)

// ranOutOfMemory asks the engine's events, where an instance's own record may never say it.
func (d *Docker) ranOutOfMemory(ctx context.Context, i paas.Instance) bool {
	ctx, cancel := context.WithTimeout(ctx, 4*oomWindow)
	stream := d.client.Events(ctx, client.EventsListOptions{
		Since: eventTime(i.StartedAt), Until: eventTime(time.Now().Add(oomWindow)),
		Filters: make(client.Filters).Add("container", i.ID).Add("event", string(events.ActionOOM)),
	})
	defer func() {
		cancel()
		for range stream.Err { // until it is closed
		}
	}()
	select {
	case <-stream.Messages:
		return true
	case err := <-stream.Err: // the end of them, too
		d.log.Debug("the engine tells of no lack of memory", "instance", i.Name, "error", err)
		return false
	}
}

func eventTime(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }

// Remove ends the instance if it runs and removes it with its writable layer. It is fine when it is gone already. It
// waits, two seconds at most, until Collect has read its log to the end.
func (d *Docker) Remove(ctx context.Context, id string) error {
	if c := d.collecting.current(); c != nil {
		if err := d.settleLog(ctx, c, id); err != nil {
			return err
		}
	}
	if err := d.forceRemove(ctx, id); err != nil {
		return err
	}
	d.addresses.release(id)
	return nil
}

// forceRemove removes a container, by id or name.
func (d *Docker) forceRemove(ctx context.Context, id string) error {
	err := d.call(ctx, writeLimit, "remove "+short(id), func(ctx context.Context) error {
		_, err := d.client.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		return err
	})
	switch {
	case cerrdefs.IsNotFound(err):
		return nil
	case cerrdefs.IsConflict(err):
		return d.awaitRemoval(ctx, id, err) // somebody else is at it
	}
	return err
}

func (d *Docker) awaitRemoval(ctx context.Context, id string, cause error) error {
	bounded, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	exited, stop := d.waitFor(bounded, id, container.WaitConditionRemoved)
	defer stop()
	e := <-exited
	if e.err == nil || paas.CodeOf(e.err) == paas.NotFound {
		return nil
	}
	return errors.Join(cause, e.err)
}

// settleLog ends a running instance, so that its log has an end, and waits until that is collected.
func (d *Docker) settleLog(ctx context.Context, c *collector, id string) error {
	switch err := d.Signal(ctx, id, "KILL"); paas.CodeOf(err) {
	case "", paas.Conflict: // it has ended, or is about to
	case paas.NotFound:
		return nil
	default:
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, logSettle)
	defer cancel()
	if err := c.settle(bounded, id); err != nil && paas.CodeOf(err) != paas.NotFound {
		d.log.Warn("an instance is removed before its log was read to the end", "instance", id, "error", err)
	}
	return nil
}
