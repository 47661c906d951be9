package web

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// gate counts connections, and among them those that have not said who they are. When those are too many the oldest
// has to leave: whoever opens connections to keep others out would have to be faster than their handshakes.
type gate struct {
	maxConns, maxStrangers int

	mu        sync.Mutex
	conns     map[*gatedConn]struct{}
	strangers []*gatedConn // oldest first
}

func newGate(maxConns, maxStrangers int) *gate {
	return &gate{maxConns: maxConns, maxStrangers: maxStrangers, conns: map[*gatedConn]struct{}{}}
}

// enter lets a connection in, with a time to say who it is; nil when there is no room.
func (g *gate) enter(conn net.Conn, patience time.Duration) *gatedConn {
	c, oldest := g.add(conn, patience)
	if oldest != nil {
		_ = oldest.Close() // a connection given up
	}
	return c
}

func (g *gate) add(conn net.Conn, patience time.Duration) (c, oldest *gatedConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.strangers) >= g.maxStrangers {
		oldest = g.strangers[0]
		oldest.leave()
	}
	if len(g.conns) >= g.maxConns {
		return nil, oldest
	}
	c = &gatedConn{Conn: conn, gate: g}
	c.patience = time.AfterFunc(patience, func() { _ = c.Close() }) // a connection given up
	g.conns[c] = struct{}{}
	g.strangers = append(g.strangers, c)
	return c, oldest
}

func (g *gate) closeAll() {
	g.mu.Lock()
	conns := make([]*gatedConn, 0, len(g.conns))
	for c := range g.conns {
		conns = append(conns, c)
	}
	g.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the end of the connection is what is wanted
	}
}

// gatedConn is a connection that has been let in.
type gatedConn struct {
	net.Conn
	gate     *gate
	patience *time.Timer // guarded by gate.mu
	proved   atomic.Bool // it is no stranger any more
	sessions atomic.Int32
}

// Read acknowledges at once what comes before the client has proved who it is. Until then OpenSSH's own side waits for
// that with every second packet (Nagle), and the kernel would put it off for 40 ms: twice in each handshake.
func (c *gatedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.proved.Load() {
		quickAck(c.Conn)
	}
	return n, err
}

func quickAck(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return // closed: the next read says so
	}
	_ = raw.Control(func(fd uintptr) { // only speed is lost if it fails
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}

// known: the other end has proved who it is.
func (c *gatedConn) known() {
	c.proved.Store(true)
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	c.patience.Stop()
	c.leaveStrangers()
}

// leaveStrangers and leave want gate.mu held.
func (c *gatedConn) leaveStrangers() {
	c.gate.strangers = slices.DeleteFunc(c.gate.strangers, func(s *gatedConn) bool { return s == c })
}

func (c *gatedConn) leave() {
	c.patience.Stop()
	c.leaveStrangers()
	delete(c.gate.conns, c)
}

// Close may be called more than once.
func (c *gatedConn) Close() error {
	c.gate.mu.Lock()
	c.leave()
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// isTemporary: the process has run out of something that comes back.
func isTemporary(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) ||
		errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ECONNABORTED)
}

// pause waits for d; false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
