package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"paas"
)

// signal sends a signal to the command's process, by the kernel: see Exec. One that has ended is paas.Conflict.
func (c *command) signal(ctx context.Context, name string) error {
	number, ok := signalNumber(name)
	if !ok {
		return paas.Errorf(paas.Invalid, "%s is not a signal that a command can get", paas.Quote(name)).WithHint("use TERM, INT, HUP, …")
	}
	pid, err := c.pid(ctx)
	if err != nil {
		return err
	}
	p, err := os.FindProcess(pid) // a handle: from here on it means this process and no later one of the same number
	if err != nil {
		return fmt.Errorf("find a command of instance %s: %w", short(c.instance), err)
	}
	defer func() { _ = p.Release() }() // nothing but the handle can be lost
	if err := inInstance(pid, c.instance); err != nil {
		return err
	}
	err = p.Signal(number)
	if errors.Is(err, os.ErrProcessDone) {
		return c.ended()
	}
	if err != nil {
		return fmt.Errorf("send %s to a command in instance %s: %w", name, short(c.instance), err)
	}
	return nil
}

// pid is the number of the command's process on this host, once it has one.
func (c *command) pid(ctx context.Context) (int, error) {
	bounded, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	for {
		state, err := c.inspect(bounded)
		switch {
		case err != nil:
			return 0, err
		case !state.Running:
			return 0, c.ended()
		case state.PID != 0:
			return state.PID, nil
		}
		if err := sleep(bounded, firstLook); err != nil {
			return 0, fmt.Errorf("wait for a command in instance %s to start: %w", short(c.instance), err)
		}
	}
}

func (c *command) ended() error {
	return paas.Errorf(paas.Conflict, "the command in instance %s has ended", short(c.instance))
}

// inInstance makes sure that a process of this host is one of the instance: an engine elsewhere would speak of another
// host's. The kernel names the control group of a process, and engines name that by the container.
func inInstance(pid int, id string) error {
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err == nil && bytes.Contains(groups, []byte(id)) {
		return nil
	}
	return fmt.Errorf("process %d is not one of instance %s on this host: %w", pid, short(id), errors.Join(err, errNotHere))
}

var errNotHere = errors.New("the engine runs elsewhere, or the process has ended")

// signalNumber knows the signals that make sense for a command, with and without SIG.
func signalNumber(name string) (syscall.Signal, bool) {
	switch strings.TrimPrefix(name, "SIG") {
	case "HUP":
		return syscall.SIGHUP, true
	case "INT":
		return syscall.SIGINT, true
	case "QUIT":
		return syscall.SIGQUIT, true
	case "KILL":
		return syscall.SIGKILL, true
	case "USR1":
		return syscall.SIGUSR1, true
	case "USR2":
		return syscall.SIGUSR2, true
	case "TERM":
		return syscall.SIGTERM, true
	}
	return 0, false
}
