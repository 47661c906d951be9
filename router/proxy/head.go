package proxy

import (
	"net/http"
	"strconv"
	"strings"
)

// appendHead writes the request as the backend gets it, up to the empty line: the client's own fields without those of
// its connection, and the router's.
func (ex *exchange) appendHead(b []byte) []byte {
	r := ex.req
	b = append(append(b, r.method...), ' ')
	b = append(append(b, r.target...), " HTTP/1.1\r\nHost: "...)
	b = append(append(b, r.host...), "\r\n"...)
	for i := range r.fields {
		if f := &r.fields[i]; ex.passes(f) {
			b = appendField(b, f.name, f.value)
		}
	}
	if r.trailers {
		b = append(b, "TE: trailers\r\n"...)
	}
	if r.upgrade != "" {
		b = append(b, "Connection: Upgrade\r\n"...)
		b = appendField(b, "Upgrade", r.upgrade)
	}
	b = ex.appendForwarded(b)
	return append(ex.appendFraming(b), "\r\n"...)
}

// passes says whether a client's field goes further: not those of its connection, nor what the router writes itself,
// nor what only a trusted proxy may say.
func (ex *exchange) passes(f *field) bool {
	switch f.kind {
	case plain, dateField:
	case proxyField:
		if !ex.trusted {
			return false
		}
	default:
		return false
	}
	return len(ex.req.conn.names) == 0 || !ex.req.conn.named(f.name)
}

func (ex *exchange) appendForwarded(b []byte) []byte {
	proto, port := "http", ex.h.port
	if ex.req.secure {
		proto, port = "https", ex.h.securePort
	}
	if ex.trusted {
		proto, port = or(ex.req.value(protoField), proto), or(ex.req.value(portField), port)
	}
	b = appendField(b, "X-Forwarded-For", ex.fwd)
	b = appendField(b, "X-Forwarded-Proto", proto)
	b = appendField(b, "X-Forwarded-Port", port)
	b = appendField(b, "X-Request-Id", ex.id)
	b = append(b, "X-Request-Start: "...)
	return append(strconv.AppendInt(b, ex.started.UnixMilli(), 10), "\r\n"...)
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}

// appendFraming says where the request ends. It is the router's own word: the client's Content-Length and
// Transfer-Encoding were for the front to read.
func (ex *exchange) appendFraming(b []byte) []byte {
	r := ex.req
	switch {
	case r.length == 0:
		if r.method == http.MethodPost || r.method == http.MethodPut || r.method == http.MethodPatch {
			b = append(b, "Content-Length: 0\r\n"...)
		}
		return b
	case r.length > 0:
		b = strconv.AppendInt(append(b, "Content-Length: "...), r.length, 10)
		b = append(b, "\r\n"...)
	default:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		if names := trailerNames(r.fields); names != "" {
			b = appendField(b, "Trailer", names)
		}
	}
	if r.expects {
		b = append(b, "Expect: 100-continue\r\n"...)
	}
	return b
}

// trailerNames lists the announced trailer fields that may be passed on.
func trailerNames(fields []field) string {
	var names []string
	for i := range fields {
		if fields[i].kind != trailerField {
			continue
		}
		for name := range strings.SplitSeq(fields[i].value, ",") {
			if name = trimBlank(name); isToken(name) && passesAsTrailer(field{name: name, kind: kindOf(name)}) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}
