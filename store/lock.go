package store

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	// lockWait lets a `paasd key add` that is just ending finish.
	lockWait = 500 * time.Millisecond
	lockPoll = 20 * time.Millisecond
)

// lockDir takes the exclusive lock of the directory, which the kernel drops when the process ends, however it ends.
// Besides bbolt's own lock, it covers the time before there is a file.
func lockDir(dir string) (*os.File, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for deadline := time.Now().Add(lockWait); ; <-poll.C {
		err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return d, nil
		case errors.Is(err, syscall.EINTR):
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), d.Close())
		case time.Now().After(deadline):
			return nil, errors.Join(inUse(dir), d.Close())
		}
	}
}
