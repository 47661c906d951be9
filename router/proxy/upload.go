package proxy

import (
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// continueWait is how long an upload waits for a backend to say 100 Continue; many never do.
	continueWait = time.Second
	// uploadGrace is how long the last write of an upload may outlast the response to it.
	uploadGrace = 50 * time.Millisecond
)

// upload sends a request's body to the backend, beside the handler's goroutine, which waits for it in endUpload or
// abandonUpload: a backend may answer before it has all of it.
type upload struct {
	ex     *exchange
	c      *conn
	from   source
	most   int64         // that the app takes; 0: no bound
	goOn   chan struct{} // closed when the backend wants the body
	goOnce sync.Once
	stop   chan struct{} // closed when nobody wants it any more
	done   chan struct{}

	asking sync.Mutex // held while the client is asked for the body
	asked  bool       // it was, or must not be any more

	whole   atomic.Bool // the client has sent all of it
	writing atomic.Bool // waiting for the backend, not the client
	sent    bool        // all of it went out; valid after done
	err     atomic.Pointer[error]

	received atomic.Int64 // bytes, from the client
}

// startUpload begins to send the body.
func (ex *exchange) startUpload(c *conn) {
	u := &upload{
		ex: ex, c: c, from: ex.front.source(), most: ex.app.policy.maxBody,
		goOn: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
	}
	u.from.receive()
	ex.uploading(u)
	go u.run()
}

func (u *upload) run() {
	defer close(u.done)
	if u.ex.req.expects && !u.awaitContinue() {
		return
	}
	if u.sent = u.copy(); u.sent {
		u.ex.uploaded()
	}
}

func (u *upload) awaitContinue() bool {
	t := time.NewTimer(continueWait)
	defer t.Stop()
	select {
	case <-u.goOn:
	case <-t.C:
	case <-u.stop:
		return false
	}
	u.asking.Lock()
	defer u.asking.Unlock()
	if u.asked {
		return true
	}
	u.asked = true
	if err := u.from.proceed(); err != nil {
		u.fail(err)
		return false
	}
	return true
}

// proceed lets a body that waits for 100 Continue go out. u may be nil.
func (u *upload) proceed() {
	if u != nil {
		u.goOnce.Do(func() { close(u.goOn) })
	}
}

// settle keeps the upload from asking for the body from now on: the response follows.
func (u *upload) settle() {
	u.asking.Lock()
	defer u.asking.Unlock()
	u.asked = true
}

// copy sends the body in the framing that the head announced and says whether the backend got all of it.
func (u *upload) copy() bool {
	var out chunker
	for left := u.ex.req.length; ; {
		p, err := u.from.take()
		left -= int64(len(p))
		u.received.Add(int64(len(p)))
		if u.most > 0 && u.ex.req.length-left > u.most {
			err, p = errBodyLarge, nil
		}
		if errors.Is(err, io.EOF) && left > 0 {
			err = io.ErrUnexpectedEOF
		}
		end := errors.Is(err, io.EOF)
		if end || left == 0 {
			u.whole.Store(true)
		}
		if len(p) > 0 && !u.write(out.parts(p, u.ex.req.length < 0)) {
			return false
		}
		switch {
		case end && u.ex.req.length < 0:
			return u.write(net.Buffers{appendTrailer(nil, u.from.ended())})
		case u.whole.Load():
			return true
		case err == nil && len(p) == 0:
			err = u.from.fill()
			u.ex.touch()
		}
		if err != nil {
			u.fail(err)
			return false
		}
	}
}

// chunker makes of bytes what is written of them.
type chunker struct {
	size [18]byte
	vec  [3][]byte
}

func (c *chunker) parts(p []byte, chunked bool) net.Buffers {
	if !chunked {
		return append(c.vec[:0], p)
	}
	return append(c.vec[:0], appendSize(c.size[:0], len(p)), p, crlf)
}

// appendSize writes the line before a chunk's data.
func appendSize(b []byte, n int) []byte {
	return append(strconv.AppendInt(b, int64(n), 16), "\r\n"...)
}

var crlf = []byte("\r\n")

func (u *upload) write(parts net.Buffers) bool {
	u.writing.Store(true)
	defer u.writing.Store(false)
	_, err := parts.WriteTo(u.c.Conn)
	u.ex.touch()
	return err == nil // why is for the reader of the response to find out
}

// fail ends an exchange whose client did not send what it said it would.
func (u *upload) fail(err error) {
	u.err.Store(&err)
	_ = u.c.SetDeadline(past) // the backend's answer to half a request is not to be waited for
}

// clientFailed says whether it was the client that ended the upload. u may be nil.
func (u *upload) clientFailed() bool { return u != nil && u.err.Load() != nil }

// errBodyLarge ends an upload of more than its app takes.
var errBodyLarge = errors.New("the body is larger than the app takes")

// code is the one for a client that ended its upload: gone, sending too much, or not speaking HTTP.
func (u *upload) code() code {
	err := *u.err.Load()
	if errors.Is(err, errBodyLarge) {
		return bodyLarge
	}
	if isNetError(err) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || u.ex.req.major > 1 {
		return clientGone
	}
	return badRequest
}

// unfinished says whether the client is still sending. u may be nil.
func (u *upload) unfinished() bool { return u != nil && !u.whole.Load() }

// endUpload waits for the upload after the response is through and says whether the connection to the backend has the
// whole request, so that another can follow.
func (ex *exchange) endUpload(torn bool) (whole bool) {
	u := ex.upload
	if u == nil {
		return true
	}
	if !torn && u.whole.Load() {
		t := time.NewTimer(uploadGrace)
		defer t.Stop()
		select {
		case <-u.done:
			return u.sent
		case <-t.C:
		}
	}
	ex.abandonUpload()
	return false
}

// abandonUpload ends the upload at once and waits for its goroutine: the client's side is not to be read any more when
// the exchange ends.
func (ex *exchange) abandonUpload() {
	u := ex.upload
	if u == nil {
		return
	}
	close(u.stop)
	_ = u.c.SetWriteDeadline(past) // a closed one needs none
	if u.unfinished() {
		ex.mu.Lock()
		ex.unreadable = true
		ex.mu.Unlock()
		ex.front.setReadDeadline(past)
	}
	<-u.done
}
