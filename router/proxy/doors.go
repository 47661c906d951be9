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

// doors are what a router holds and its successor takes over: the listeners, and the lock on the directory, which says
// whether sockets that are there belong to anybody. The system drops the lock when its last holder is killed.
type doors struct {
	dir     string
	front   *door // takes requests
	secure  *door // takes those over TLS; nil: there is none
	control *door // takes paasd's calls
	lock    *os.File
}

// openDoors binds what a router with no predecessor needs.
func openDoors(opts Options) (_ *doors, err error) {
	d := &doors{dir: opts.Dir}
	path := d.controlPath()
	if d.lock, err = lockFile(filepath.Join(opts.Dir, "router.lock")); err != nil {
		return nil, fmt.Errorf("listen for control on %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	l, err := listenUnix(path)
	if err != nil {
		return nil, fmt.Errorf("listen for control on %s: %w", path, err)
	}
	if d.control, err = newDoor(l, path); err != nil {
		return nil, err
	}
	d.front, err = listenTCP(opts.HTTPAddr)
	if err == nil && opts.HTTPSAddr != "" {
		d.secure, err = listenTCP(opts.HTTPSAddr)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return d, nil
}

func (d *doors) controlPath() string { return filepath.Join(d.dir, router.SocketFile) }

// close leaves the doors to whoever else has them, and so the name of the control socket, which one that starts replaces.
func (d *doors) close() error {
	var errs []error
	for _, door := range []*door{d.front, d.secure, d.control} {
		if door != nil {
			errs = append(errs, door.Close())
		}
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// closeFronts closes those that take requests.
func (d *doors) closeFronts() error {
	if d.secure == nil {
		return d.front.Close()
	}
	return errors.Join(d.front.Close(), d.secure.Close())
}

var errLocked = errors.New("another router has this directory")

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", errLocked, err), f.Close())
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
