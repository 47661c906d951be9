package proxy

import (
	"bytes"
	"errors"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// field is one line of a header, as it came.
type field struct {
	name, value string
	kind        kind
}

// kind is what a field means to the router. Plain ones it passes on.
type kind uint8

const (
	plain        kind = iota
	hop               // belongs to one connection, by RFC 9110 7.6.1, and goes no further
	hostField         // the following the router reads, and writes itself where they are due
	lengthField       // Content-Length
	codingField       // Transfer-Encoding
	connection        // Connection
	teField           // TE
	trailerField      // Trailer
	upgradeField      // Upgrade
	expectField       // Expect
	idField           // X-Request-Id
	forField          // X-Forwarded-For
	protoField        // X-Forwarded-Proto
	portField         // X-Forwarded-Port
	startField        // X-Request-Start
	proxyField        // Forwarded and the like: only a trusted proxy may say it
	dateField         // Date; passes
)

// kinds by lower-case name.
var kinds = map[string]kind{
	"keep-alive": hop, "proxy-connection": hop, "proxy-authenticate": hop, "proxy-authorization": hop,
	"host": hostField, "content-length": lengthField, "transfer-encoding": codingField, "connection": connection,
	"te": teField, "trailer": trailerField, "upgrade": upgradeField, "expect": expectField, "x-request-id": idField,
	"x-forwarded-for": forField, "x-forwarded-proto": protoField, "x-forwarded-port": portField,
	"x-request-start": startField, "forwarded": proxyField, "x-real-ip": proxyField, "date": dateField,
}

// kindsByLength spares most fields the comparison of names.
var kindsByLength = func() (byLength [20][]string) {
	for name := range kinds {
		byLength[len(name)] = append(byLength[len(name)], name)
	}
	return byLength
}()

const forwardedPrefix = "x-forwarded-"

// kindOf classifies a field of a request or a response.
func kindOf(name string) kind {
	if strings.IndexByte(name, '_') >= 0 {
		// To what reads the environment as CGI does, X_Forwarded_For is X-Forwarded-For.
		if kindOf(strings.ReplaceAll(name, "_", "-")) != plain {
			return hop
		}
		return plain
	}
	if len(name) < len(kindsByLength) {
		for _, known := range kindsByLength[len(name)] {
			if strings.EqualFold(known, name) {
				return kinds[known]
			}
		}
	}
	if len(name) >= len(forwardedPrefix) && strings.EqualFold(name[:len(forwardedPrefix)], forwardedPrefix) {
		return proxyField
	}
	return plain
}

var errSyntax = errors.New("not HTTP as RFC 9112 has it")

// headEnd returns where a header that begins at b ends, after its empty line, 0 if that has not come yet. from is where
// an earlier look ended, and next where a later one can go on.
func headEnd(b []byte, from int) (end, next int) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return 0, from
		}
		line := b[from : from+i]
		from += i + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return from, from
		}
	}
}

// cutLine takes the first line of s, which ends with LF, and what ends it: CRLF, or LF alone (RFC 9112 2.2).
func cutLine(s string) (line, rest string) {
	i := strings.IndexByte(s, '\n')
	if i < 0 {
		return s, ""
	}
	line, rest = s[:i], s[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest
}

// parseFields parses the lines of s up to an empty one. A folded value becomes one line, as RFC 9112 5.2 has it.
func parseFields(fields []field, s string) ([]field, error) {
	for {
		var line string
		line, s = cutLine(s)
		if line == "" {
			return fields, nil
		}
		if isBlank(line[0]) {
			if len(fields) == 0 || !validValue(line) {
				return nil, errSyntax
			}
			last := &fields[len(fields)-1]
			last.value = trimBlank(last.value + " " + trimBlank(line))
			continue
		}
		colon := strings.IndexByte(line, ':')
		if colon <= 0 || !isToken(line[:colon]) {
			return nil, errSyntax // a space before the colon too
		}
		value := trimBlank(line[colon+1:])
		if !validValue(value) {
			return nil, errSyntax
		}
		fields = append(fields, field{name: line[:colon], value: value, kind: kindOf(line[:colon])})
	}
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func trimBlank(s string) string {
	for len(s) > 0 && isBlank(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isBlank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// tokenBytes are those of RFC 9110 5.6.2.
var tokenBytes = func() (ok [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		ok[c] = true
	}
	return ok
}()

func isToken(s string) bool {
	for i := range len(s) {
		if !tokenBytes[s[i]] {
			return false
		}
	}
	return s != ""
}

// validValue lets through what RFC 9110 5.5 does: no NUL, CR, LF or other control but the tab.
func validValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// tokens of the Connection fields that mean something by themselves, and the names of others.
type options struct {
	close, keepAlive, upgrade bool
	names                     []string // of fields that belong to this connection
}

func (o *options) add(value string) {
	for item := range strings.SplitSeq(value, ",") {
		switch item = trimBlank(item); {
		case item == "":
		case strings.EqualFold(item, "close"):
			o.close = true
		case strings.EqualFold(item, "keep-alive"):
			o.keepAlive = true
		case strings.EqualFold(item, "upgrade"):
			o.upgrade = true
		default:
			o.names = append(o.names, item)
		}
	}
}

// named says whether Connection makes the field part of it.
func (o *options) named(name string) bool {
	for _, n := range o.names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// hasToken says whether a comma separated list holds the token, whatever parameters follow it.
func hasToken(list, token string) bool {
	for item := range strings.SplitSeq(list, ",") {
		item, _, _ = strings.Cut(item, ";")
		if strings.EqualFold(trimBlank(item), token) {
			return true
		}
	}
	return false
}

// parseLength reads a Content-Length: digits alone, and not more than fit.
func parseLength(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// framing of a message's body.
const (
	chunked    int64 = -1
	untilClose int64 = -2
)

// passesAsTrailer keeps out what would change how a message is framed, routed or trusted had it come in the header.
func passesAsTrailer(f field) bool {
	if f.kind != plain || strings.IndexByte(f.name, '_') >= 0 {
		return false
	}
	return httpguts.ValidTrailerHeader(f.name)
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}

// appendTrailer ends a chunked body.
func appendTrailer(b []byte, fields []field) []byte {
	b = append(b, "0\r\n"...)
	for _, f := range fields {
		if passesAsTrailer(f) {
			b = appendField(b, f.name, f.value)
		}
	}
	return append(b, "\r\n"...)
}
