package proxy

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// handler answers requests. It is the seam to what reads them: everything below works on net/http's types only.
type handler struct {
	timeouts Timeouts
	trusted  []netip.Prefix
	live     *live
	ring     *ring
	log      *slog.Logger
	port     string // of the listener
}

func newHandler(opts Options, l *live, ring *ring, addr net.Addr) *handler {
	h := &handler{timeouts: opts.Timeouts, trusted: opts.TrustedProxies, live: l, ring: ring, log: opts.Log}
	if tcp, ok := addr.(*net.TCPAddr); ok {
		h.port = strconv.Itoa(tcp.Port)
	}
	return h
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler where a response that has begun must not look
// complete.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ex := &exchange{h: h, w: w, r: r, started: time.Now(), id: requestID(r.Header), host: hostOf(r.Host)}
	ex.fwd, ex.trusted = h.forwardedFor(r)
	defer ex.recover()
	ex.finish(ex.serve())
}

// recover makes of a fault in the router a failed request: the page where there is still time, else a cut connection.
func (ex *exchange) recover() {
	fault := recover()
	if fault == nil {
		return
	}
	if err, ok := fault.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(fault)
	}
	ex.h.log.Error("request panicked", "panic", fault, "request_id", ex.id)
	ex.finish(platform)
}

// finish answers for a request that failed, writes its log line, and cuts a response that cannot be completed.
func (ex *exchange) finish(c code) {
	torn := c != "" && ex.headerSent
	if c != "" && !ex.headerSent {
		ex.status, ex.bytes = writeFailure(ex.w, ex.r, c, ex.id, ex.mustClose())
	}
	ex.logLine(c)
	if torn && !ex.hijacked {
		panic(http.ErrAbortHandler)
	}
}

// mustClose says whether bytes of the request's body may be left on the client's connection: net/http, told not to read
// them by itself, would take them for the next request.
func (ex *exchange) mustClose() bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.r.ProtoMajor == 1 && (ex.unreadable || ex.upload.unfinished())
}

func (ex *exchange) logLine(c code) {
	if ex.app == nil {
		return
	}
	now := time.Now()
	l := line{
		code: c, method: ex.r.Method, path: target(ex.r), host: ex.host, requestID: ex.id, fwd: ex.fwd, instance: ex.instance,
		status: ex.status, bytes: ex.bytes,
	}
	if c == clientGone || c == idleClient {
		l.status = statusClientGone
	}
	if ex.connected.IsZero() {
		l.connect = now.Sub(ex.started)
	} else {
		l.connect, l.service = ex.connected.Sub(ex.started), now.Sub(ex.connected)
	}
	ex.h.ring.add(ex.app.id, now, l.String())
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

// forwardedFor is the X-Forwarded-For that the backend gets, and whether the peer is a proxy that may say more.
func (h *handler) forwardedFor(r *http.Request) (fwd string, trusted bool) {
	peer := r.RemoteAddr
	if i := strings.LastIndexByte(peer, ':'); i >= 0 {
		peer = strings.Trim(peer[:i], "[]")
	}
	if len(h.trusted) == 0 || !h.trusts(peer) {
		return peer, false
	}
	if given := strings.Join(r.Header["X-Forwarded-For"], ", "); given != "" {
		return given + ", " + peer, true
	}
	return peer, true
}

func (h *handler) trusts(peer string) bool {
	addr, err := netip.ParseAddr(peer)
	if err != nil {
		return false
	}
	for _, p := range h.trusted {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
