package proxy

import (
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// outbox is a response on its way to a client of HTTP/1: what is to be written at once.
type outbox struct {
	buf     *[]byte // under text, nil while that is empty
	text    []byte
	chunked bool
	last    bool // the connection closes after it
	parts   [4][]byte
	vec     net.Buffers
}

func (o *outbox) open() {
	if o.buf == nil {
		o.buf = small.get()
		o.text = (*o.buf)[:0]
	}
}

func (o *outbox) empty() {
	if o.buf != nil {
		small.put(o.buf)
		o.buf, o.text = nil, nil
	}
}

// begin implements front.
func (c *client) begin(resp *response, length int64, last bool) {
	o := &c.resp
	o.open()
	o.chunked = length < 0 && c.req.minor > 0
	o.last = last || c.req.close || length < 0 && !o.chunked || c.f.h.leaving.Load()
	b := c.appendHead(o.text, resp)
	switch {
	case resp.bodiless(c.req.method):
		if resp.length >= 0 && c.req.method == http.MethodHead {
			b = appendLength(b, resp.length)
		}
	case length >= 0:
		b = appendLength(b, length)
	case o.chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if names := trailerNames(resp.fields); names != "" {
			b = appendField(b, "Trailer", names)
		}
	}
	switch {
	case o.last:
		b = append(b, "Connection: close\r\n"...)
	case c.req.minor == 0:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	o.text = append(b, "\r\n"...)
}

// appendHead writes a status line and the fields that pass.
func (c *client) appendHead(b []byte, resp *response) []byte {
	b = append(b, "HTTP/1."...)
	b = append(b, '0'+byte(min(c.req.minor, 1)), ' ')
	b = append(strconv.AppendInt(b, int64(resp.status), 10), ' ')
	b = append(append(b, resp.reason...), "\r\n"...)
	for i := range resp.fields {
		if f := &resp.fields[i]; resp.passes(f) {
			b = appendField(b, f.name, f.value)
		}
	}
	if !resp.dated && resp.status >= 200 {
		b = appendField(b, "Date", httpDate()) // RFC 9110 6.6.1
	}
	return b
}

func appendLength(b []byte, n int64) []byte {
	b = strconv.AppendInt(append(b, "Content-Length: "...), n, 10)
	return append(b, "\r\n"...)
}

// write implements front. What is small waits for the next flush.
func (c *client) write(p []byte) error {
	o := &c.resp
	o.open()
	const size = 20 // of a chunk's size, and the line ends
	if len(o.text)+len(p)+size <= cap(o.text) {
		if !o.chunked {
			o.text = append(o.text, p...)
			return nil
		}
		o.text = appendSize(o.text, len(p))
		o.text = append(append(o.text, p...), "\r\n"...)
		return nil
	}
	o.vec = net.Buffers(append(o.parts[:0], nil, p))
	if o.chunked {
		o.text = appendSize(o.text, len(p))
		o.vec = append(o.vec, crlf)
	}
	o.vec[0] = o.text
	_, err := o.vec.WriteTo(c.Conn)
	o.vec, o.parts = nil, [4][]byte{}
	o.empty()
	return err
}

// flush implements front.
func (c *client) flush() error {
	o := &c.resp
	if len(o.text) == 0 {
		return nil
	}
	_, err := c.Write(o.text)
	o.empty()
	return err
}

// end implements front.
func (c *client) end(trailer []field) error {
	if o := &c.resp; o.chunked {
		o.open()
		o.text = appendTrailer(o.text, trailer)
	}
	return c.flush()
}

// interim implements front. A client of HTTP/1.0 knows none.
func (c *client) interim(resp *response) {
	if c.req.minor == 0 {
		return
	}
	c.resp.open()
	c.resp.text = append(c.appendHead(c.resp.text, resp), "\r\n"...)
	_ = c.flush() // the next write tells
}

// hijack implements front.
func (c *client) hijack(resp *response) (*sock, error) {
	c.resp.open()
	b := append(c.appendHead(c.resp.text, resp), "Connection: Upgrade\r\n"...)
	c.resp.text = append(appendField(b, "Upgrade", resp.upgrade), "\r\n"...)
	c.kind = large
	if err := c.flush(); err != nil {
		c.shut() // nobody else does: it speaks HTTP no more
		return nil, err
	}
	return c.sock, nil
}

// date is the time of a second as HTTP writes it.
type date struct {
	second int64
	text   string
}

var lastDate atomic.Pointer[date]

func httpDate() string {
	now := time.Now()
	d := lastDate.Load()
	if d == nil || d.second != now.Unix() {
		d = &date{now.Unix(), now.UTC().Format(http.TimeFormat)}
		lastDate.Store(d)
	}
	return d.text
}
