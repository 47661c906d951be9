package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// client is a connection of HTTP/1 from a client: its requests, one after the other, each on the one goroutine that it
// has.
type client struct {
	*sock
	f      *http1
	peer   string
	secure bool     // over TLS
	req    *request // the present one
	body   body
	resp   outbox
	until  time.Duration // of the read deadline that is set, in clock time; 0: none
	state  atomic.Int32
}

// The states of a client, to a server that wants to stop.
const (
	idle   int32 = iota // waits for a request
	busy                // has one, or a part of it
	ending              // was idle when the server stopped, and may take no request any more
)

const (
	// lingerGap and lingerMax bound how long a client that goes on sending after it was answered is listened to: without
	// it the close would reset the connection and take the answer away from a client that has not read it yet.
	lingerGap = 300 * time.Millisecond
	lingerMax = 5 * time.Second
)

// preface is what a client that knows that the server speaks HTTP/2 begins with (RFC 9113 3.4).
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// serve takes requests until the connection ends.
func (c *client) serve() {
	for first := true; ; first = false {
		head, problem := c.readHead(first)
		switch {
		case problem != "":
			c.refuse(problem)
			c.finish()
			return
		case head == preface && c.secure: // it would have said so in the handshake
			c.shut()
			return
		case head == preface:
			c.f.handOver(c)
			return
		case head == "":
			c.shut()
			return
		}
		switch c.answer(head) {
		case taken:
			return
		case torn:
			c.drop()
			c.shut()
			return
		case unread:
			c.finish()
			return
		case complete:
			if c.resp.last {
				c.finish()
				return
			}
		}
	}
}

// answer handles the request that has this header.
func (c *client) answer(head string) outcome {
	req := newRequest()
	c.req = req
	defer func() { c.req = nil }()
	if problem := req.parse(head); problem != "" {
		c.refuse(problem)
		req.free()
		return unread
	}
	req.secure = c.secure
	c.body.begin(c.sock, req.length)
	out, fault := c.f.h.handle(c, req, c.peer)
	if !fault {
		req.free()
	}
	return out
}

// readHead waits for the header of a request. Empty: the client has no more, or (with a problem) what it sends is none.
func (c *client) readHead(first bool) (head string, problem code) {
	if len(c.unread()) == 0 && !c.awaitRequest(first) {
		return "", ""
	}
	for from, timed := 0, first; ; timed = true {
		c.skipEmptyLines(from)
		p := c.unread()
		if begin := string(p[:min(len(p), len(preface))]); !first || !strings.HasPrefix(preface, begin) {
			var end int
			if end, from = headEnd(p, from); end > 0 {
				head = string(p[:end])
				c.discard(end)
				return head, ""
			}
		} else if begin == preface {
			return preface, ""
		}
		if !timed {
			c.readWithin(c.f.h.timeouts.Header)
		}
		switch err := c.fill(); {
		case err == nil:
		case errors.Is(err, errFull) && from == 0:
			return "", targetLong
		case errors.Is(err, errFull):
			return "", headerLarge
		case errors.Is(err, os.ErrDeadlineExceeded) && len(c.unread()) > 0:
			return "", headerLate
		default:
			c.drop()
			return "", ""
		}
	}
}

// awaitRequest waits, with next to nothing in hand, until a request begins.
func (c *client) awaitRequest(first bool) bool {
	c.drop()
	c.kind = small
	c.state.Store(idle)
	if first {
		c.readWithin(c.f.h.timeouts.Header)
	} else {
		c.idleFor(c.f.h.timeouts.Idle)
	}
	if c.f.stopping.Load() || c.fill() != nil || !c.state.CompareAndSwap(idle, busy) {
		c.drop()
		return false
	}
	return true
}

// skipEmptyLines passes over those before a request (RFC 9112 2.2), unless some of the header was looked at already.
func (c *client) skipEmptyLines(looked int) {
	for looked == 0 {
		switch p := c.unread(); {
		case len(p) > 0 && p[0] == '\n':
			c.discard(1)
		case len(p) > 1 && p[0] == '\r' && p[1] == '\n':
			c.discard(2)
		default:
			return
		}
	}
}

// readWithin ends reads after d.
func (c *client) readWithin(d time.Duration) {
	c.until = clock() + d
	_ = c.SetReadDeadline(time.Now().Add(d)) // the read after it tells
}

// idleFor does it after about d. It renews the deadline only now and then, since that costs as much as the rest of the
// work for a small request.
func (c *client) idleFor(d time.Duration) {
	slack := d / 8
	if left := c.until - clock(); left < d || left > d+slack {
		c.readWithin(d + slack)
	}
}

// finish closes the connection after an answer, but not before a client that may still be sending has read it.
func (c *client) finish() {
	c.drop()
	if halfClose(c.Conn) == nil {
		c.lingerFor(lingerGap, lingerMax)
	}
	c.shut()
}

// refuse answers what is no request.
func (c *client) refuse(problem code) {
	status, err := strconv.Atoi(string(problem))
	if err != nil {
		status = http.StatusBadRequest
	}
	text := strconv.Itoa(status) + " " + http.StatusText(status) + "\n"
	resp := response{status: status, reason: http.StatusText(status), length: int64(len(text)), fields: []field{
		{name: "Content-Type", value: "text/plain; charset=utf-8"},
	}}
	c.req = &request{major: 1, minor: 1}
	c.setWriteDeadline(time.Now().Add(c.f.h.timeouts.Header))
	c.begin(&resp, resp.length, true)
	if c.write([]byte(text)) == nil {
		_ = c.end(nil) // it is gone, then
	}
}

// The rest makes a client the front of an exchange.

func (c *client) gone() bool     { return c.sock.gone() }
func (c *client) reusable() bool { return false }
func (c *client) source() source { return (*clientBody)(c) }

func (c *client) setReadDeadline(t time.Time)  { _ = c.SetReadDeadline(t) } // a closed one needs none
func (c *client) setWriteDeadline(t time.Time) { _ = c.SetWriteDeadline(t) }

// clientBody is the body of a client's present request.
type clientBody client

func (b *clientBody) early() []byte         { return b.body.early() }
func (b *clientBody) take() ([]byte, error) { return b.body.take() }
func (b *clientBody) fill() error           { return b.body.fill() }
func (b *clientBody) ended() []field        { return b.body.trailer }

// receive ends the deadline that the header had: from now on the exchange is inspected.
func (b *clientBody) receive() {
	b.kind, b.until = large, 0
	_ = b.SetReadDeadline(time.Time{})
}

func (b *clientBody) proceed() error {
	(*client)(b).setWriteDeadline(time.Now().Add(b.f.h.timeouts.Header))
	_, err := io.WriteString(b.Conn, "HTTP/1.1 100 Continue\r\n\r\n")
	(*client)(b).setWriteDeadline(time.Time{})
	return err
}
