package proxy

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"paas/router"
)

// controlSocket is the listener that paasd controls the router by. A lock, which the system drops when its holder is
// killed, says whether a socket that is there belongs to anybody.
type controlSocket struct {
	*net.UnixListener
	path string
	lock *os.File
}

func listenControl(dir string) (*controlSocket, error) {
	path := filepath.Join(dir, router.SocketFile)
	lock, err := lockFile(filepath.Join(dir, "router.lock"))
	if err != nil {
		return nil, fmt.Errorf("listen for control on %s: %w", path, err)
	}
	l, err := listenUnix(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for control on %s: %w", path, err), lock.Close())
	}
	return &controlSocket{UnixListener: l, path: path, lock: lock}, nil
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another router has this directory: %w", err), f.Close())
	}
	return f, nil
}

// listenUnix binds under another name first, so that the socket is never there with a wider mode than 0600 and
// replaces a dead one in one step.
func listenUnix(path string) (*net.UnixListener, error) {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(tmp, 0o600); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(tmp))
	}
	return l, nil
}

// Close stops listening; the lock stays until release.
func (c *controlSocket) release() error {
	return errors.Join(os.Remove(c.path), c.lock.Close())
}
