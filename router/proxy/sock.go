package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	smallSize = 4 << 10  // holds the header of most requests, and what is to be written of a response at once
	largeSize = 64 << 10 // holds the longest header, and as much of a body as one read gets
)

// buffers of one size. One is always in one hand: a sock's (buf), an outbox's or an upload's, which gives it back and
// forgets it in the same step.
type buffers struct{ pool sync.Pool }

func newBuffers(size int) *buffers {
	return &buffers{pool: sync.Pool{New: func() any { b := make([]byte, size); return &b }}}
}

func (p *buffers) get() *[]byte {
	b, _ := p.pool.Get().(*[]byte)
	return b
}

func (p *buffers) put(b *[]byte) { p.pool.Put(b) }

var small, large = newBuffers(smallSize), newBuffers(largeSize)

// past is a deadline that ends whatever waits.
var past = time.Unix(1, 0)

// errNotAlive: a kept connection was closed by its peer, or has bytes that nobody asked for.
var errNotAlive = errors.New("the kept connection is not in order")

// sock is a connection and what was read from it ahead. It holds a buffer only while there is something in it: an idle
// connection, or one that waits for its peer, costs none. One goroutine at a time reads; another may write.
type sock struct {
	net.Conn
	raw syscall.RawConn // of the TCP connection; nil where its bytes are not plain (TLS)

	buf  *[]byte // nil while there is nothing in it that anybody uses
	kind *buffers
	r, w int

	ready func(fd uintptr) bool // s.recv, bound once
	send  []byte                // what recv sends before it waits
	sent  int
	err   error // of recv
}

func newSock(c net.Conn, kind *buffers) *sock {
	s := &sock{Conn: c, kind: kind}
	if tcp, ok := c.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			s.raw, s.ready = raw, s.recv
		}
	}
	return s
}

// unread is what has been read ahead. It is valid until the next discard, drop or fill.
func (s *sock) unread() []byte {
	if s.buf == nil {
		return nil
	}
	return (*s.buf)[s.r:s.w]
}

// taken is discard, but leaves the buffer in place, so that who took the bytes can use them until the next fill or drop.
func (s *sock) taken(n int) { s.r += n }

// discard takes the first n unread bytes as read.
func (s *sock) discard(n int) {
	s.r += n
	if s.r == s.w {
		s.drop()
	}
}

// drop gives the buffer back with all that is in it.
func (s *sock) drop() {
	if s.buf == nil {
		return
	}
	pool := small
	if len(*s.buf) != smallSize {
		pool = large
	}
	pool.put(s.buf)
	s.buf, s.r, s.w = nil, 0, 0
}

// errFull: a fill found the largest buffer full of unread bytes.
var errFull = errors.New("the buffer is full")

// fill waits for at least one byte and puts what there is behind what is unread. io.EOF is the end.
func (s *sock) fill() error {
	if s.buf != nil && s.r == s.w {
		s.drop() // taken, not discarded
	}
	if s.buf != nil {
		if err := s.makeRoom(); err != nil {
			return err
		}
	}
	if s.raw == nil {
		return s.fillPlain()
	}
	s.err = nil
	if err := s.raw.Read(s.ready); err != nil {
		return err
	}
	return s.err
}

// makeRoom moves what is unread to the start of the buffer, or of a larger one.
func (s *sock) makeRoom() error {
	if s.w < len(*s.buf) {
		return nil
	}
	if s.r > 0 {
		s.w = copy(*s.buf, (*s.buf)[s.r:s.w])
		s.r = 0
		return nil
	}
	if len(*s.buf) == largeSize {
		return errFull
	}
	b := large.get()
	copy(*b, (*s.buf)[:s.w])
	small.put(s.buf)
	s.buf = b
	return nil
}

func (s *sock) fillPlain() error {
	fresh := s.buf == nil
	if fresh {
		s.buf = s.kind.get()
	}
	n, err := s.Read((*s.buf)[s.w:])
	s.w += n
	if fresh && n == 0 {
		s.drop()
	}
	if n > 0 {
		return nil
	}
	return err
}

// recv is called by the runtime's poller: once at the start, and whenever there may be something to read. False waits.
func (s *sock) recv(fd uintptr) bool {
	if s.send != nil {
		return !s.transmit(int(fd))
	}
	fresh := s.buf == nil
	if fresh {
		s.buf = s.kind.get()
	}
	n, err := ignoringInterrupts(func() (int, error) { return syscall.Read(int(fd), (*s.buf)[s.w:]) })
	if n > 0 {
		s.w += n
		return true
	}
	if fresh {
		s.drop()
	}
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err != nil:
		s.err = s.opError("read", err)
	default:
		s.err = io.EOF
	}
	return true
}

// ask sends p and fills. On a kept connection it does so in one visit to the poller, which spares a read that would find
// nothing: the poller's memory of what is readable is reset before the look whether the connection is in order, and
// whatever comes after that look wakes it. sent says how many bytes went out; with errNotAlive none did.
func (s *sock) ask(p []byte, kept bool) (sent int, err error) {
	if s.raw == nil || !kept {
		n, err := s.Write(p)
		if err != nil {
			return n, err
		}
		return n, s.fill()
	}
	s.send, s.sent, s.err = p, 0, nil
	err = s.raw.Read(s.ready)
	s.send = nil
	if err == nil {
		err = s.err
	}
	if err != nil || s.buf != nil {
		return s.sent, err
	}
	n, err := s.Write(p[s.sent:]) // the peer takes it slowly
	if err == nil {
		err = s.fill()
	}
	return s.sent + n, err
}

// transmit looks whether the connection is in order, sends, and says whether to wait for an answer.
func (s *sock) transmit(fd int) (wait bool) {
	if s.err = peek(fd); s.err != nil {
		return false
	}
	n, err := ignoringInterrupts(func() (int, error) { return syscall.Write(fd, s.send) })
	s.sent = max(0, n)
	whole := s.sent == len(s.send)
	s.send = nil
	if err != nil && !errors.Is(err, syscall.EAGAIN) {
		s.err = s.opError("write", err)
		return false
	}
	return whole
}

// peek says whether a connection on which nothing is expected is open and silent.
func peek(fd int) error {
	var b [1]byte
	_, _, err := syscall.Recvfrom(fd, b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	if errors.Is(err, syscall.EAGAIN) {
		return nil
	}
	return errNotAlive
}

func ignoringInterrupts(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

func (s *sock) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: os.NewSyscallError(op, err)}
}

// poll says which of the events have come up on the connection, without waiting.
func (s *sock) poll(events int16) (got int16) {
	raw := s.raw
	if raw == nil {
		raw = under(s.Conn)
	}
	if raw == nil {
		return 0
	}
	err := raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		if n, err := unix.Poll(fds, 0); n == 1 && err == nil {
			got = fds[0].Revents
		}
	})
	if err != nil {
		return unix.POLLHUP // closed on this side
	}
	return got
}

// gone says whether the peer has ended its side or the connection broke, whatever it sent before that is unread.
func (s *sock) gone() bool {
	return s.poll(unix.POLLRDHUP)&(unix.POLLRDHUP|unix.POLLHUP|unix.POLLERR) != 0
}

// under is the TCP connection that carries c.
func under(c net.Conn) syscall.RawConn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// shut closes the connection; nothing is lost with an error.
func (s *sock) shut() { _ = s.Close() }

// lingerFor reads on and throws away, until the peer has closed its side or was silent for gap, at most for limit. To
// close a connection on which there is something unread would take from the peer what was written last.
func (s *sock) lingerFor(gap, limit time.Duration) {
	end := time.Now().Add(limit)
	for {
		s.drop()
		next := time.Now().Add(gap)
		if next.After(end) {
			next = end
		}
		if !next.After(time.Now()) || s.SetReadDeadline(next) != nil || s.fill() != nil {
			s.drop()
			return
		}
	}
}
