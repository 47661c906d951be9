package proxy

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// line is what the log says of a request.
type line struct {
	code      code
	method    string
	path      string // as requested, with the query
	host      string // in its normal form
	requestID string
	fwd       string
	instance  string
	connect   time.Duration // from the request's arrival to a connection
	service   time.Duration // from there to the end of the response
	status    int
	bytes     int64
	secure    bool // over TLS
}

// maxField bounds what a client can put into one field of a line.
const maxField = 2048

// appendTo writes the line behind b.
func (l *line) appendTo(b []byte) []byte {
	if l.code.isH() {
		b = append(b, "at=error code="...)
		b = append(b, l.code...)
		b = appendQuoted(append(b, " desc="...), l.code.meaning().desc)
	} else {
		b = append(b, "at=info"...)
	}
	b = appendBare(append(b, " method="...), l.method)
	b = appendQuoted(append(b, " path="...), l.path)
	b = appendBare(append(b, " host="...), l.host)
	b = appendBare(append(b, " request_id="...), l.requestID)
	b = appendQuoted(append(b, " fwd="...), l.fwd)
	b = appendBare(append(b, " instance="...), l.instance)
	b = appendMS(append(b, " connect="...), l.connect)
	b = appendMS(append(b, " service="...), l.service)
	b = strconv.AppendInt(append(b, " status="...), int64(l.status), 10)
	b = strconv.AppendInt(append(b, " bytes="...), l.bytes, 10)
	if l.secure {
		return append(b, " protocol=https"...)
	}
	return append(b, " protocol=http"...)
}

func appendMS(b []byte, d time.Duration) []byte {
	return append(strconv.AppendInt(b, max(0, d.Milliseconds()), 10), "ms"...)
}

// appendBare writes a value that needs no quotes as it is, and any other one quoted.
func appendBare(b []byte, s string) []byte {
	if len(s) > maxField {
		return appendQuoted(b, s)
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=' && i == 0 {
			return appendQuoted(b, s)
		}
	}
	return append(b, s...)
}

// appendQuoted writes s between quotes on one line: quotes, backslashes and whatever does not print are escaped as in
// Go, long values end with an ellipsis.
func appendQuoted(b []byte, s string) []byte {
	if len(s) > maxField {
		cut := maxField
		for cut > maxField-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strconv.AppendQuote(b, s)
}

func droppedLine(n int) string {
	return fmt.Sprintf("at=warning dropped=%d desc=\"Request lines dropped, the log was not read in time\"", n)
}
