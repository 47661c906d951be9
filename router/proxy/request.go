package proxy

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// request is the header of a request, whichever front took it. Its strings are its own: they stay valid for as long as
// somebody has them.
type request struct {
	method string
	target string // as it goes to the backend: in origin form byte for byte, or "*"
	host   string // as the client gave it, in the target if it was there
	major  int    // of the client's HTTP version
	minor  int
	fields []field
	conn   options
	length int64 // of the body, or chunked; 0: none
	secure bool  // it came over TLS

	upgrade  string // the protocol that the client wants to switch to
	expects  bool   // it waits for 100 Continue before it sends the body
	trailers bool   // it takes trailers (TE)
	close    bool   // no request may follow on its connection
}

// code of a request that is none, in addition to those of codes.go. They are shown as the status they are.
const (
	headerLate    code = "408"
	targetLong    code = "414"
	expectUnknown code = "417"
	headerLarge   code = "431"
	codingUnknown code = "501"
	badVersion    code = "505"
)

// requestPool is where a client has its request from, and only while it has one: many connections are idle.
var requestPool = sync.Pool{New: func() any { return new(request) }}

func newRequest() *request {
	r, _ := requestPool.Get().(*request)
	return r
}

// free lets r be used again. Its exchange is over, and the client forgets it in the same step.
func (r *request) free() {
	*r = request{fields: emptied(r.fields)}
	requestPool.Put(r)
}

// parse fills r from a header as it came, down to its empty line. A code other than "" says what is wrong with it; then
// nothing after it on the connection can be trusted. It is as strict as RFC 9112 asks of a server, with two readings
// that it allows: lines may end with LF alone, and a folded field is taken as one line.
func (r *request) parse(head string) code {
	*r = request{fields: r.fields[:0]}
	line, rest := cutLine(head)
	target, c := r.parseLine(line)
	if c != "" {
		return c
	}
	fields, err := parseFields(r.fields, rest)
	if err != nil {
		return badRequest
	}
	r.fields = fields
	if c = r.readFields(); c != "" {
		return c
	}
	if !r.setTarget(target) {
		return badRequest
	}
	return ""
}

// parseLine reads "GET /path HTTP/1.1".
func (r *request) parseLine(line string) (target string, _ code) {
	method, rest, ok := strings.Cut(line, " ")
	target, version, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || !isToken(method) || target == "" {
		return "", badRequest
	}
	if !validTarget(target) {
		return "", badRequest
	}
	if len(version) != len("HTTP/1.1") || version[:5] != "HTTP/" || version[6] != '.' || !isDigit(version[5]) || !isDigit(version[7]) {
		return "", badRequest
	}
	if version[5] != '1' {
		return "", badVersion
	}
	r.method, r.major, r.minor = method, 1, int(version[7]-'0')
	return target, ""
}

func validTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// readFields takes from the fields what the router has to know: where the request ends, and what it wants of the
// connection.
func (r *request) readFields() code {
	var hosts, lengths, codings, upgrades int
	var coding, length, expect string
	for i := range r.fields {
		switch f := &r.fields[i]; f.kind {
		case hostField:
			hosts++
			r.host = f.value
		case lengthField:
			lengths++
			length = f.value
		case codingField:
			codings++
			coding = f.value
		case connection:
			r.conn.add(f.value)
		case teField:
			r.trailers = r.trailers || hasToken(f.value, "trailers")
		case upgradeField:
			upgrades++
			r.upgrade = f.value
		case expectField:
			expect = f.value
		}
	}
	if hosts > 1 || hosts == 0 && r.minor > 0 || !validHost(r.host) {
		return badRequest
	}
	if c := r.frame(lengths, length, codings, coding); c != "" {
		return c
	}
	r.close = r.close || r.conn.close || r.minor == 0 && !r.conn.keepAlive
	if upgrades != 1 || !r.mayUpgrade() {
		r.upgrade = ""
	}
	if expect != "" && r.minor > 0 {
		if !strings.EqualFold(expect, "100-continue") {
			return expectUnknown
		}
		r.expects = r.length != 0
	}
	return ""
}

// frame decides where the request ends, by RFC 9112 6.3.
func (r *request) frame(lengths int, length string, codings int, coding string) code {
	if lengths > 0 {
		n, ok := parseLength(length)
		if !ok || lengths > 1 {
			return badRequest
		}
		r.length = n
	}
	if codings == 0 {
		return ""
	}
	switch {
	case codings > 1 || r.minor == 0:
		return badRequest
	case !strings.EqualFold(coding, "chunked"):
		return codingUnknown
	}
	r.length = chunked
	r.close = lengths > 0 // it may have been written to be read in two ways
	return ""
}

// mayUpgrade says whether the switch that is asked for is one to pass on. HTTP/2 is none: on a connection that switched
// to it an app would take requests that the router never sees (RFC 9113 has dropped it for HTTP/1.1).
func (r *request) mayUpgrade() bool {
	if !r.conn.upgrade || r.major != 1 || r.minor == 0 || r.length != 0 {
		return false
	}
	to := strings.ToLower(r.upgrade)
	return !strings.Contains(to, "h2c") && !strings.Contains(to, "http/")
}

// setTarget brings the target into the form that a backend gets. The host of one in absolute form counts, whatever the
// Host field says (RFC 9112 3.2.2).
func (r *request) setTarget(target string) bool {
	r.target = target
	switch {
	case target[0] == '/':
		return validEscapes(target)
	case target == "*":
		return true
	case r.method == http.MethodConnect:
		r.host = target
		return validHost(target)
	}
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	r.host, r.target = rest[:end], rest[end:]
	switch {
	case r.target == "" && r.method == http.MethodOptions:
		r.target = "*" // RFC 9112 3.2.4
	case r.target == "" || r.target[0] != '/':
		r.target = "/" + r.target
	}
	return r.host != "" && validHost(r.host) && validEscapes(r.target)
}

// validEscapes says whether each % of the path begins an escape: what does not is read in different ways.
func validEscapes(target string) bool {
	path, _, _ := strings.Cut(target, "?")
	for i := strings.IndexByte(path, '%'); i >= 0; {
		if i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2]) {
			return false
		}
		next := strings.IndexByte(path[i+1:], '%')
		if next < 0 {
			return true
		}
		i += 1 + next
	}
	return true
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }

// hostBytes are those of RFC 3986 3.2.2 and 3.2.3: names, addresses in brackets, a port; no user.
var hostBytes = func() (ok [256]bool) {
	for _, c := range "!$%&'()*+,-.:;=[]_~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		ok[c] = true
	}
	return ok
}()

func validHost(s string) bool {
	for i := range len(s) {
		if !hostBytes[s[i]] {
			return false
		}
	}
	return true
}

// value returns the value of the only field of a kind, "" if there is none or more than one.
func (r *request) value(k kind) (v string) {
	n := 0
	for i := range r.fields {
		if r.fields[i].kind == k {
			v = r.fields[i].value
			n++
		}
	}
	if n != 1 {
		return ""
	}
	return v
}

// forwardedFor is the X-Forwarded-For that the backend gets: the peer, after what a trusted one said.
func (r *request) forwardedFor(peer string, trusted bool) string {
	if !trusted {
		return peer
	}
	var given []string
	for i := range r.fields {
		if r.fields[i].kind == forField && r.fields[i].value != "" {
			given = append(given, r.fields[i].value)
		}
	}
	return strings.Join(append(given, peer), ", ")
}

// peerOf is the address of a connection without its port.
func peerOf(remote string) string {
	if i := strings.LastIndexByte(remote, ':'); i >= 0 {
		return strings.Trim(remote[:i], "[]")
	}
	return remote
}

func trusts(proxies []netip.Prefix, peer string) bool {
	if len(proxies) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(peer)
	if err != nil {
		return false
	}
	for _, p := range proxies {
		if p.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}
