package web

import (
	"net"
	"sync"
)

// single is a listener of one connection: it is closed when that is.
type single struct {
	conn   net.Conn
	once   sync.Once
	closed chan struct{}
	first  chan net.Conn
}

func newSingle(conn net.Conn) *single {
	l := &single{conn: conn, closed: make(chan struct{}), first: make(chan net.Conn, 1)}
	l.first <- &singleConn{Conn: conn, listener: l}
	return l
}

// Accept returns the connection once, and then waits for its end.
func (l *single) Accept() (net.Conn, error) {
	select {
	case conn := <-l.first:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept; the connection is the server's to close.
func (l *single) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *single) Addr() net.Addr { return l.conn.LocalAddr() }

type singleConn struct {
	net.Conn
	listener *single
}

func (c *singleConn) Close() error {
	_ = c.listener.Close() // cannot fail
	return c.Conn.Close()
}
