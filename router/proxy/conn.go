package proxy

import (
	"bufio"
	"context"
	"errors"
	"math"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// past is a deadline that ends whatever waits.
var past = time.Unix(1, 0)

// maxKeptHead bounds the buffer that a connection keeps for the heads of requests.
const maxKeptHead = 4 << 10

var errLongHeader = errors.New("the header of the response is too large")

// conn is a connection to a backend. One request at a time has it.
type conn struct {
	tcp    *net.TCPConn
	raw    syscall.RawConn
	br     *bufio.Reader
	left   int64 // what may still be read: bounds a response's header
	torn   bool  // a read has failed or met the end
	head   []byte
	usedAt time.Duration // when it was put away, in clock time
	reused bool
}

func dial(ctx context.Context, addr netip.AddrPort, timeout time.Duration) (*conn, error) {
	d := net.Dialer{Timeout: timeout}
	tcp, err := d.DialTCP(ctx, "tcp", netip.AddrPort{}, addr)
	if err != nil {
		return nil, err
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	c := &conn{tcp: tcp, raw: raw, left: math.MaxInt64}
	c.br = bufio.NewReaderSize(c, 4<<10)
	return c, nil
}

// late says whether a failed dial ran out of time, rather than being refused.
func late(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT)
}

// writeHead sends the request's head and says how many bytes of it went out.
func (c *conn) writeHead(ex *exchange) (n int, err error) {
	c.head = ex.appendHead(c.head[:0])
	n, err = c.tcp.Write(c.head)
	if cap(c.head) > maxKeptHead {
		c.head = nil
	}
	return n, err
}

func (c *conn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errLongHeader
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.tcp.Read(p)
	c.left -= int64(n)
	c.torn = c.torn || err != nil
	return n, err
}

// alive says whether a kept connection can be used: the backend has neither closed it nor sent anything unasked.
func (c *conn) alive() bool {
	if c.br.Buffered() > 0 {
		return false
	}
	open := false
	err := c.raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && open
}

func (c *conn) close() { _ = c.tcp.Close() } // nothing is lost with it
