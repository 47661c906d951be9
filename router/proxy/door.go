package proxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// door is a listener that servers use one after the other, in this process or in another one that has it too. What comes
// while none accepts waits with the system.
type door struct {
	listener
	addr   string // as it was asked for: where a successor asks for the same, it gets this
	closed atomic.Bool
}

type listener interface {
	net.Listener
	syscall.Conn
	SetDeadline(t time.Time) error
}

func listenTCP(addr string) (*door, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for requests on %s: %w", addr, err)
	}
	return newDoor(l, addr)
}

func newDoor(l net.Listener, addr string) (*door, error) {
	if l, ok := l.(listener); ok {
		return &door{listener: l, addr: addr}, nil
	}
	return nil, errors.Join(fmt.Errorf("%T is no listener to share", l), l.Close())
}

// receiveDoor makes a door of a file descriptor that another process sent.
func receiveDoor(f *os.File, addr string) (*door, error) {
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("take over the listener on %s: %w", addr, err)
	}
	return newDoor(l, addr)
}

// Close closes the door in this process, once.
func (d *door) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	return d.listener.Close()
}

// open returns the door for one server. To close that ends its Accept, and leaves the door as it is.
func (d *door) open() (net.Listener, error) {
	if err := d.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &opened{door: d}, nil
}

type opened struct {
	*door
	closed atomic.Bool
}

// Accept implements net.Listener.
func (o *opened) Accept() (net.Conn, error) {
	c, err := o.door.Accept()
	if err != nil && o.closed.Load() {
		return nil, net.ErrClosed
	}
	return c, err
}

// Close implements net.Listener.
func (o *opened) Close() error {
	if o.closed.Swap(true) {
		return nil
	}
	return o.SetDeadline(past)
}
