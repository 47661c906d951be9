package proxy

import (
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"paas/router/certs"
)

// handler answers requests, whichever front took them.
type handler struct {
	timeouts Timeouts
	trusted  []netip.Prefix
	live     *live
	ring     *ring
	log      *slog.Logger
	port     string      // of the listener
	leaving  atomic.Bool // a request is its connection's last

	securePort string         // of that for TLS; empty: there is none
	certs      *certs.Manager // nil: likewise
}

func newHandler(opts Options, l *live, ring *ring, addr net.Addr) *handler {
	return &handler{timeouts: opts.Timeouts, trusted: opts.TrustedProxies, live: l, ring: ring, log: opts.Log, port: portOf(addr)}
}

func portOf(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return strconv.Itoa(tcp.Port)
	}
	return ""
}

// outcome is what became of a request.
type outcome int

const (
	complete outcome = iota
	torn             // the response has begun and must not look complete
	taken            // the connection was a tunnel, and is closed
	unread           // answered, but part of the request's body is left on the connection
)

// handle answers one request on a front. After a fault somebody may still have the request.
func (h *handler) handle(f front, req *request, peer string) (out outcome, fault bool) {
	ex := newExchange(h, f, req, peer)
	if out, fault = ex.run(); !fault {
		ex.free()
	}
	return out, fault
}

// run serves the request. After a fault in the router nobody knows who still has the exchange, or the connection.
func (ex *exchange) run() (out outcome, fault bool) {
	defer func() {
		if p := recover(); p != nil {
			ex.h.log.Error("request panicked", "panic", p, "request_id", ex.id)
			ex.unreadable = true // whatever is left of its body
			out, fault = ex.finish(platform), true
		}
	}()
	return ex.finish(ex.serve()), false
}

// finish answers for a request that failed, and writes its log line.
func (ex *exchange) finish(c code) outcome {
	out := complete
	switch {
	case ex.hijacked:
		out = taken
	case c != "" && ex.headerSent:
		out = torn
	case ex.mustClose():
		out = unread
	}
	switch {
	case c != "" && !ex.headerSent && !ex.hijacked:
		ex.status, ex.bytes = ex.writeFailure(c)
	case c == "" && !ex.uncut():
		ex.front.setWriteDeadline(time.Time{}) // the cut came when all was written: the connection may go on
	}
	ex.settle(c)
	return out
}

// mustClose says whether bytes of the request's body may be left on the client's connection.
func (ex *exchange) mustClose() bool {
	if ex.front.reusable() {
		return false
	}
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.unreadable || ex.upload.unfinished() || ex.upload == nil && !ex.takeEarly()
}

// settle counts the request for its app and writes its log line.
func (ex *exchange) settle(c code) {
	if ex.app == nil {
		ex.h.live.unrouted.Add(1)
		return
	}
	now := time.Now()
	l := line{
		code: c, method: ex.req.method, path: ex.req.target, host: ex.host, requestID: ex.id, fwd: ex.fwd, instance: ex.instance,
		status: ex.status, bytes: ex.bytes, secure: ex.req.secure,
	}
	if c == clientGone || c == idleClient {
		l.status = statusClientGone
	}
	if ex.connected.IsZero() {
		l.connect = now.Sub(ex.started)
	} else {
		l.connect, l.service = ex.connected.Sub(ex.started), now.Sub(ex.connected)
	}
	ex.app.share.tally.count(c, l.status, now.Sub(ex.started), ex.hijacked, ex.arrived(), ex.bytes)
	buf := small.get()
	ex.h.ring.add(ex.app.id, now, l.appendTo((*buf)[:0]))
	small.put(buf)
}

// arrived is how many bytes of the request's body came.
func (ex *exchange) arrived() int64 {
	if ex.upload != nil {
		return ex.upload.received.Load()
	}
	return ex.received + int64(len(ex.early))
}

// hostOf brings a Host field to the form that routes have: lower case, no port, no trailing dot.
func hostOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	for i := range len(host) {
		if c := host[i]; 'A' <= c && c <= 'Z' {
			return lower(host)
		}
	}
	return host
}

// lower maps A-Z only, as ValidateHost does.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
