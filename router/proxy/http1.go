package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// http1 takes connections: it serves HTTP/1 itself and hands those that begin with HTTP/2's preface to another server.
type http1 struct {
	h     *handler
	http2 *handed

	stopping atomic.Bool // no request may begin any more
	mu       sync.Mutex
	clients  map[*client]struct{}
	all      sync.WaitGroup
}

func newHTTP1(h *handler, http2 *handed) *http1 {
	return &http1{h: h, http2: http2, clients: map[*client]struct{}{}}
}

// acceptPause is how long to wait where there are no file descriptors for another connection.
const acceptPause = 50 * time.Millisecond

// serve takes connections from l until that is closed.
func (f *http1) serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			f.start(c)
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			f.h.log.Warn("no connection can be taken for a moment", "error", err)
			<-time.After(acceptPause)
		case ofConnection(err):
		default:
			return err
		}
	}
}

// ofConnection says whether an error of Accept is that of the connection that it would have returned (accept(2)).
func ofConnection(err error) bool {
	for _, errno := range []unix.Errno{
		unix.ECONNABORTED, unix.EPERM, unix.EPROTO, unix.ENOPROTOOPT, unix.ENETDOWN, unix.ENETUNREACH, unix.EHOSTDOWN, unix.EHOSTUNREACH,
		unix.ENONET, unix.EOPNOTSUPP,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func (f *http1) start(conn net.Conn) {
	_, secure := conn.(*tls.Conn)
	c := &client{sock: newSock(conn, small), f: f, peer: peerOf(conn.RemoteAddr().String()), secure: secure}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopping.Load() {
		c.shut()
		return
	}
	f.clients[c] = struct{}{}
	f.all.Add(1)
	f.h.live.http1.Add(1)
	go func() {
		defer f.forget(c)
		defer func() {
			if p := recover(); p != nil { // not while a request was handled: that has its own
				f.h.log.Error("connection panicked", "panic", p)
				c.shut()
			}
		}()
		if c.agree() {
			c.serve()
		}
	}()
}

func (f *http1) forget(c *client) {
	f.mu.Lock()
	delete(f.clients, c)
	f.mu.Unlock()
	f.h.live.http1.Add(-1)
	f.all.Done()
}

// handOver gives a connection that speaks HTTP/2 to the server for that, with what was read of it.
func (f *http1) handOver(c *client) {
	ahead := append([]byte(nil), c.unread()...)
	c.drop()
	_ = c.SetDeadline(time.Time{}) // its reader will see
	f.http2.hand(&replayed{Conn: c.Conn, ahead: ahead})
}

// lastRequest is how long a connection may take to send the request that it is told to be the last.
const lastRequest = 5 * time.Second

// leave gives every connection one more request, and then shuts down. The listener must be closed before. To close an idle
// one at once would fail the request that its client is just sending; one that is silent for long is as likely to send
// one then as at any other end of its idle time.
func (f *http1) leave(ctx context.Context) error {
	f.h.leaving.Store(true)
	waiting, cancel := context.WithTimeout(ctx, lastRequest)
	defer cancel()
	if wait(waiting, &f.all) == nil {
		return nil
	}
	return f.shutdown(ctx)
}

// shutdown lets requests that have begun finish, until ctx ends. The listener must be closed before.
func (f *http1) shutdown(ctx context.Context) error {
	f.mu.Lock()
	f.h.leaving.Store(true)
	f.stopping.Store(true)
	for c := range f.clients {
		// What has sent its next request already is served; what sends it this moment has to send it again, elsewhere.
		if c.poll(unix.POLLIN) == 0 && c.state.CompareAndSwap(idle, ending) {
			c.setReadDeadline(past)
		}
	}
	f.mu.Unlock()
	return wait(ctx, &f.all)
}

func wait(ctx context.Context, all *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		all.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends all connections and waits for their goroutines.
func (f *http1) close() {
	f.mu.Lock()
	f.stopping.Store(true)
	for c := range f.clients {
		c.shut()
	}
	f.mu.Unlock()
	f.all.Wait()
}

// replayed is a connection of which something was read.
type replayed struct {
	net.Conn
	ahead []byte
}

// Read implements net.Conn.
func (r *replayed) Read(p []byte) (int, error) {
	if len(r.ahead) > 0 {
		n := copy(p, r.ahead)
		r.ahead = r.ahead[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}

// handed is a listener whose connections another one took.
type handed struct {
	addr   net.Addr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	used   atomic.Bool // a connection was handed
}

func newHanded(addr net.Addr) *handed {
	return &handed{addr: addr, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *handed) hand(c net.Conn) {
	l.used.Store(true)
	select {
	case l.conns <- c:
	case <-l.closed:
		_ = c.Close() // nobody takes it
	}
}

// Accept implements net.Listener.
func (l *handed) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *handed) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *handed) Addr() net.Addr { return l.addr }
