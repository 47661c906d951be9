package web

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// serveAPI speaks HTTP on a channel until the client or ctx ends it, or paasd stops.
func (s *SSH) serveAPI(ctx context.Context, ch gossh.Channel, user, addr string) error {
	in, toServer := net.Pipe()
	fromServer, out := net.Pipe()
	var copies sync.WaitGroup
	s.spawn(func() { // ends when the channel does: converse closes it after this
		_, _ = io.Copy(toServer, ch) // either end may go at any time; the server sees it as the end of input
		_ = toServer.Close()
	})
	copies.Go(func() {
		_, _ = io.Copy(ch, fromServer)
		_ = fromServer.Close()
	})
	serving, cancel := context.WithCancel(s.servingContext())
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	err := s.api.ServeConn(serving, &channelConn{in: in, out: out}, user, addr)
	err = errors.Join(err, in.Close(), out.Close())
	copies.Wait()
	return err
}

// channelConn is a channel as a net.Conn, deadlines included, for the HTTP server. Its two directions end each by
// itself, so that an answer that is on its way arrives though the client has closed its side. Closing it also is how a
// client leaves that was killed, whose ssh lives on: what only serves the client, such as a tail, ends by it.
type channelConn struct {
	in  net.Conn // to read from
	out net.Conn // to write to
}

func (c *channelConn) Read(p []byte) (int, error)         { return c.in.Read(p) }
func (c *channelConn) Write(p []byte) (int, error)        { return c.out.Write(p) }
func (c *channelConn) Close() error                       { return errors.Join(c.in.Close(), c.out.Close()) }
func (c *channelConn) LocalAddr() net.Addr                { return c.in.LocalAddr() }
func (c *channelConn) RemoteAddr() net.Addr               { return c.in.RemoteAddr() }
func (c *channelConn) SetReadDeadline(t time.Time) error  { return c.in.SetReadDeadline(t) }
func (c *channelConn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }
func (c *channelConn) SetDeadline(t time.Time) error {
	return errors.Join(c.in.SetReadDeadline(t), c.out.SetWriteDeadline(t))
}
