package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// appendHead writes the request as the backend gets it, up to the empty line: the client's own fields without those of
// its connection, and the router's.
func (ex *exchange) appendHead(b []byte) []byte {
	r := ex.r
	b = append(append(b, r.Method...), ' ')
	b = append(append(b, target(r)...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, r.Host...), "\r\n"...)
	b = ex.appendFields(b)
	b = ex.appendForwarded(b)
	return append(ex.appendFraming(b), "\r\n"...)
}

// target is the request target in origin form, byte for byte as the client gave it where it is in that form already.
func target(r *http.Request) string {
	switch {
	case strings.HasPrefix(r.RequestURI, "/") || r.RequestURI == "*":
		return r.RequestURI
	case r.Method == http.MethodOptions && r.URL.Path == "" && r.URL.RawQuery == "":
		return "*" // RFC 9112 3.2.4
	}
	return r.URL.RequestURI()
}

func (ex *exchange) appendFields(b []byte) []byte {
	h := ex.r.Header
	hop := h["Connection"]
	for name, values := range h {
		if ex.drops(name) || named(hop, name) {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, v)
		}
	}
	if httpguts.HeaderValuesContainsToken(h["Te"], "trailers") {
		b = appendField(b, "TE", "trailers")
	}
	if ex.upgrade != "" {
		b = appendField(b, "Connection", "Upgrade")
		b = appendField(b, "Upgrade", ex.upgrade)
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	return append(append(b, value...), "\r\n"...)
}

// named says whether the Connection field makes another one part of it.
func named(connection []string, name string) bool {
	for _, v := range connection {
		for item := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(item), name) {
				return true
			}
		}
	}
	return false
}

// hopByHop says whether a field belongs to one connection, by RFC 9110 7.6.1. Names are in canonical form.
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// drops says whether a client's field goes no further, beside those that its Connection field names: the router writes
// it itself, or only a trusted proxy may say it.
func (ex *exchange) drops(name string) bool {
	if strings.IndexByte(name, '_') >= 0 {
		// To what reads the environment as CGI does, X_Forwarded_For is X-Forwarded-For.
		name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	}
	switch name {
	case "Host", "Content-Length", "Expect", "X-Request-Id", "X-Request-Start", "X-Forwarded-For", "X-Forwarded-Proto",
		"X-Forwarded-Port":
		return true
	case "Forwarded", "X-Real-Ip":
		return !ex.trusted
	}
	return hopByHop(name) || !ex.trusted && strings.HasPrefix(name, "X-Forwarded-")
}

func (ex *exchange) appendForwarded(b []byte) []byte {
	proto, port := "http", ex.h.port
	if ex.r.TLS != nil {
		proto = "https"
	}
	if ex.trusted {
		proto, port = one(ex.r.Header["X-Forwarded-Proto"], proto), one(ex.r.Header["X-Forwarded-Port"], port)
	}
	b = appendField(b, "X-Forwarded-For", ex.fwd)
	b = appendField(b, "X-Forwarded-Proto", proto)
	b = appendField(b, "X-Forwarded-Port", port)
	b = appendField(b, "X-Request-Id", ex.id)
	b = append(b, "X-Request-Start: "...)
	return append(strconv.AppendInt(b, ex.started.UnixMilli(), 10), "\r\n"...)
}

func one(values []string, otherwise string) string {
	if len(values) == 1 && values[0] != "" {
		return values[0]
	}
	return otherwise
}

// appendFraming says where the request ends. It is the router's own word: the client's Content-Length and
// Transfer-Encoding were net/http's to read.
func (ex *exchange) appendFraming(b []byte) []byte {
	r := ex.r
	switch {
	case !hasBody(r):
		if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
			b = append(b, "Content-Length: 0\r\n"...)
		}
		return b
	case r.ContentLength >= 0:
		b = strconv.AppendInt(append(b, "Content-Length: "...), r.ContentLength, 10)
		b = append(b, "\r\n"...)
	default:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if names := trailerNames(r.Trailer); names != "" {
			b = appendField(b, "Trailer", names)
		}
	}
	if expectsContinue(r) {
		b = append(b, "Expect: 100-continue\r\n"...)
	}
	return b
}

func hasBody(r *http.Request) bool {
	return r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody
}

func expectsContinue(r *http.Request) bool {
	return httpguts.HeaderValuesContainsToken(r.Header["Expect"], "100-continue")
}

// trailerNames lists the trailer fields that may be passed on.
func trailerNames(t http.Header) string {
	names := make([]string, 0, len(t))
	for name := range t {
		if passesAsTrailer(name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// passesAsTrailer keeps out what would change how a message is framed, routed or trusted had it come in the header.
func passesAsTrailer(name string) bool {
	return httpguts.ValidHeaderFieldName(name) && httpguts.ValidTrailerHeader(name) && !hopByHop(name) &&
		!strings.HasPrefix(name, "X-Forwarded-") && name != "X-Request-Id" && name != "Forwarded" && !strings.Contains(name, "_")
}

// appendTrailer ends a chunked request. net/http has not checked these values.
func appendTrailer(b []byte, t http.Header) []byte {
	for name, values := range t {
		if !passesAsTrailer(name) {
			continue
		}
		for _, v := range values {
			if httpguts.ValidHeaderFieldValue(v) {
				b = appendField(b, name, v)
			}
		}
	}
	return append(b, "\r\n"...)
}
