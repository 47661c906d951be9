package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// chunkHead is room for a chunk's size line, chunkTail for what ends it.
	chunkHead = 10
	chunkTail = 2
	copySize  = 32 << 10

	// continueWait is how long an upload waits for a backend to say 100 Continue; many never do.
	continueWait = time.Second
	// uploadGrace is how long the last write of an upload may outlast the response to it.
	uploadGrace = 50 * time.Millisecond
	// lingerGap and lingerMax bound how long a client that goes on sending after it was answered is listened to: without
	// it the close would reset the connection and take the answer away from a client that has not read it yet.
	lingerGap = 300 * time.Millisecond
	lingerMax = 5 * time.Second
)

var copyBuffers = sync.Pool{New: func() any { return new([chunkHead + copySize + chunkTail]byte) }}

// upload sends a request's body to the backend, beside the handler's goroutine, which waits for it in endUpload or
// abandonUpload: a backend may answer before it has all of it.
type upload struct {
	ex     *exchange
	c      *conn
	goOn   chan struct{} // closed when the backend wants the body
	goOnce sync.Once
	stop   chan struct{} // closed when nobody wants it any more
	done   chan struct{}

	whole   atomic.Bool // the client has sent all of it
	writing atomic.Bool // waiting for the backend, not the client
	discard atomic.Bool // read on, but send no more
	sent    bool        // all of it went out; valid after done
	err     atomic.Pointer[error]
}

// startUpload begins to send the body, if there is one.
func (ex *exchange) startUpload(c *conn) {
	if !hasBody(ex.r) {
		return
	}
	// Otherwise net/http reads the rest of the body before it sends a response. Not to be had with HTTP/2, nor needed.
	_ = http.NewResponseController(ex.w).EnableFullDuplex()
	u := &upload{ex: ex, c: c, goOn: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
	ex.mu.Lock()
	ex.upload = u
	ex.mu.Unlock()
	ex.watch.uploading(ex.h.timeouts.Idle)
	go u.run()
}

func (u *upload) run() {
	defer close(u.done)
	if expectsContinue(u.ex.r) && !u.awaitContinue() {
		return
	}
	buf, _ := copyBuffers.Get().(*[chunkHead + copySize + chunkTail]byte)
	defer copyBuffers.Put(buf)
	u.sent = u.copy(buf[:])
	if u.sent {
		u.ex.watch.uploaded(u.ex.h.timeouts.FirstByte)
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
	return true
}

// proceed lets a body that waits for 100 Continue go out. u may be nil.
func (u *upload) proceed() {
	if u != nil {
		u.goOnce.Do(func() { close(u.goOn) })
	}
}

// copy sends the body in the framing that the head announced and says whether the backend got all of it.
func (u *upload) copy(buf []byte) bool {
	r, chunked, total := u.ex.r, u.ex.r.ContentLength < 0, int64(0)
	for {
		n, err := r.Body.Read(buf[chunkHead : chunkHead+copySize])
		total += int64(n)
		if errors.Is(err, io.EOF) || total == r.ContentLength {
			u.whole.Store(true)
		}
		if n > 0 {
			u.ex.watch.touch(u.ex.h.timeouts.Idle)
			if !u.discard.Load() && !u.write(frame(buf, n, chunked)) {
				u.discard.Store(true)
			}
		}
		switch {
		case errors.Is(err, io.EOF) || u.whole.Load() && err == nil:
			return !u.discard.Load() && (!chunked || u.write(appendTrailer([]byte("0\r\n"), r.Trailer)))
		case err != nil:
			u.fail(err)
			return false
		case u.discard.Load() && !u.listen():
			return false
		}
	}
}

// frame returns the n bytes read into buf as they go out. The size line is put right before them.
func frame(buf []byte, n int, chunked bool) []byte {
	if !chunked {
		return buf[chunkHead : chunkHead+n]
	}
	var size [chunkHead]byte
	line := append(strconv.AppendInt(size[:0], int64(n), 16), "\r\n"...)
	start := chunkHead - len(line)
	copy(buf[start:], line)
	copy(buf[chunkHead+n:], "\r\n")
	return buf[start : chunkHead+n+chunkTail]
}

func (u *upload) write(p []byte) bool {
	u.writing.Store(true)
	defer u.writing.Store(false)
	_, err := u.c.tcp.Write(p)
	return err == nil // why is for the reader of the response to find out
}

// fail ends an exchange whose client did not send what it said it would.
func (u *upload) fail(err error) {
	if u.discard.Load() {
		return // of no interest any more
	}
	u.err.Store(&err)
	_ = u.c.tcp.SetDeadline(past) // the backend's answer to half a request is not to be waited for
}

// listen gives a client that is only being listened to a while for its next bytes. With nobody waiting yet, it reads
// on: the response may come any moment.
func (u *upload) listen() bool {
	select {
	case <-u.stop:
		return http.NewResponseController(u.ex.w).SetReadDeadline(time.Now().Add(lingerGap)) == nil
	default:
		return true
	}
}

// clientFailed says whether it was the client that ended the upload. u may be nil.
func (u *upload) clientFailed() bool { return u != nil && u.err.Load() != nil }

// code is the one for a client that ended its upload: gone, or not speaking HTTP.
func (u *upload) code() code {
	err := *u.err.Load()
	if _, network := errors.AsType[*net.OpError](err); network || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || u.ex.r.ProtoMajor > 1 {
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
	if !torn && !u.whole.Load() && ex.r.ProtoMajor == 1 {
		ex.linger()
	}
	ex.abandonUpload()
	return false
}

// linger lets the client finish sending what nobody reads. The response is flushed before, and says that the
// connection closes.
func (ex *exchange) linger() {
	u, rc := ex.upload, http.NewResponseController(ex.w)
	u.discard.Store(true)
	_ = u.c.tcp.SetWriteDeadline(past) // a closed one needs none
	if rc.Flush() != nil || rc.SetReadDeadline(time.Now().Add(lingerGap)) != nil {
		return
	}
	close(u.stop)
	t := time.NewTimer(lingerMax)
	defer t.Stop()
	select {
	case <-u.done:
	case <-t.C:
	}
}

// abandonUpload ends the upload at once and waits for its goroutine: the body is net/http's again when the handler
// returns.
func (ex *exchange) abandonUpload() {
	u := ex.upload
	if u == nil {
		return
	}
	u.discard.Store(true)
	select {
	case <-u.stop:
	default:
		close(u.stop)
	}
	_ = u.c.tcp.SetWriteDeadline(past) // a closed one needs none
	for {
		if u.unfinished() {
			ex.mu.Lock()
			ex.unreadable = true
			ex.mu.Unlock()
			_ = http.NewResponseController(ex.w).SetReadDeadline(past) // a connection that is gone needs none
		}
		select {
		case <-u.done:
			return
		case <-time.After(lingerGap): // listen may have set a later deadline meanwhile
		}
	}
}
