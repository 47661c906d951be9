package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// conn is a connection to a backend. One request at a time has it.
type conn struct {
	*sock
	usedAt time.Duration // when it was put away, in clock time
	reused bool
}

func dial(ctx context.Context, addr netip.AddrPort, timeout time.Duration) (*conn, error) {
	d := net.Dialer{Timeout: timeout}
	tcp, err := d.DialTCP(ctx, "tcp", netip.AddrPort{}, addr)
	if err != nil {
		return nil, err
	}
	return &conn{sock: newSock(tcp, large)}, nil
}

// late says whether a failed dial ran out of time, rather than being refused.
func late(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT)
}

// ask sends the request, or with an upload what comes before it, and waits until something comes back. sent says how
// much went out: nothing where a kept connection turned out to be closed. Any error is an errNoByte.
func (ex *exchange) ask(c *conn) (sent int, err error) {
	out := small.get()
	defer small.put(out)
	head := ex.appendHead((*out)[:0])
	if ex.takeEarly() {
		sent, err = c.ask(append(head, ex.early...), c.reused)
	} else {
		sent, err = ex.askFor(c, head)
	}
	if err != nil {
		return sent, errors.Join(errNoByte, err)
	}
	return sent, nil
}

// takeEarly takes the body if all of it is there and small: it goes out with the header. It says whether the header is
// the end of what is to be sent, or takes the end with it.
func (ex *exchange) takeEarly() bool {
	if ex.req.length == 0 || len(ex.early) > 0 {
		return true
	}
	if ex.req.length > 0 && ex.req.length <= smallSize && !ex.req.expects {
		ex.early = ex.front.source().early() // valid to the end: nobody reads from the client before the exchange is over
	}
	return len(ex.early) > 0
}

func (ex *exchange) askFor(c *conn, head []byte) (sent int, err error) {
	if c.reused && c.poll(unix.POLLIN|unix.POLLRDHUP) != 0 {
		return 0, errNotAlive
	}
	if sent, err = c.Write(head); err != nil {
		return sent, err
	}
	ex.startUpload(c)
	return sent, c.fill()
}
