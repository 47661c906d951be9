package platform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// reaper is a process that removes everything of a platform once the test process lets go of its stdin: on Close, or
// because the test process is no more.
type reaper struct {
	cmd   *exec.Cmd
	stdin io.Closer
	said  bytes.Buffer
	once  sync.Once
	err   error
}

// startReaper hands it the slot's lock as well: ports and addresses are free again when all of it is gone.
func startReaper(bin Binaries, dir string, lock *os.File) (*reaper, error) {
	r := &reaper{cmd: exec.Command(bin.Path("reaper"), dir)} //nolint:forbidigo // it is to outlive us
	r.cmd.Stdout, r.cmd.Stderr = &r.said, &r.said
	r.cmd.ExtraFiles = []*os.File{lock}
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the tests, not for it
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	r.stdin = stdin
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the reaper: %w", err)
	}
	return r, nil
}

// reap returns once all is gone.
func (r *reaper) reap() error {
	r.once.Do(func() {
		err := errors.Join(r.stdin.Close(), r.cmd.Wait())
		if err != nil {
			r.err = fmt.Errorf("clean up: %w\n%s", err, r.said.String())
		}
	})
	return r.err
}
