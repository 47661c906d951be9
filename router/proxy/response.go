package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// response is the header of a backend's response.
type response struct {
	status int
	reason string // may be empty
	minor  int    // of the backend's HTTP version
	fields []field
	conn   options
	length int64 // as its fields have it, whether a body comes or not: a number, chunked, or untilClose

	upgrade string
	dated   bool
}

var (
	// errNoByte: the backend closed the connection before it answered anything.
	errNoByte = errors.New("closed before the first byte of a response")
	// errTorn: it did so within the header of its response.
	errTorn = errors.New("closed in the header of a response")

	errLongHeader = errors.New("the header of the response is too large")
)

// maxInterim bounds 1xx responses to one request.
const maxInterim = 32

// parse fills resp from a header as it came, down to its empty line.
func (resp *response) parse(head string) error {
	*resp = response{fields: resp.fields[:0]}
	line, rest := cutLine(head)
	if !resp.parseLine(line) {
		return errSyntax
	}
	fields, err := parseFields(resp.fields, rest)
	if err != nil {
		return err
	}
	resp.fields = fields
	return resp.readFields()
}

// parseLine reads "HTTP/1.1 200 OK".
func (resp *response) parseLine(line string) bool {
	const start = len("HTTP/1.1 ")
	if len(line) < start+3 || line[:7] != "HTTP/1." || line[8] != ' ' || !isDigit(line[7]) {
		return false
	}
	for _, c := range []byte(line[start : start+3]) {
		if !isDigit(c) {
			return false
		}
		resp.status = resp.status*10 + int(c-'0')
	}
	resp.minor = int(line[7] - '0')
	if line = line[start+3:]; line != "" {
		if line[0] != ' ' || !validValue(line) {
			return false
		}
		resp.reason = line[1:]
	}
	return resp.status >= 100
}

func (resp *response) readFields() error {
	resp.length = untilClose
	codings := 0
	for i := range resp.fields {
		switch f := &resp.fields[i]; f.kind {
		case lengthField:
			n, ok := parseLength(f.value)
			if !ok || resp.length != untilClose && resp.length != n {
				return errSyntax
			}
			resp.length = n
		case codingField:
			if codings++; codings > 1 || resp.minor == 0 || !strings.EqualFold(f.value, "chunked") {
				return errSyntax
			}
		case connection:
			resp.conn.add(f.value)
		case upgradeField:
			resp.upgrade = f.value
		case dateField:
			resp.dated = true
		}
	}
	if codings > 0 {
		resp.length = chunked // whatever Content-Length says (RFC 9112 6.3)
	}
	return nil
}

// closes says whether the backend closes the connection after the response.
func (resp *response) closes() bool {
	return resp.conn.close || resp.minor == 0 && !resp.conn.keepAlive
}

// bodiless says whether no body follows, whatever the fields say.
func (resp *response) bodiless(method string) bool {
	return method == http.MethodHead || resp.status < 200 || resp.status == http.StatusNoContent || resp.status == http.StatusNotModified
}

// passes says whether a field goes on to the client: not those of the backend's connection, nor those that say how long
// the body is, which is each connection's own matter.
func (resp *response) passes(f *field) bool {
	switch f.kind {
	case hop, lengthField, codingField, connection, teField, trailerField, upgradeField:
		return false
	}
	return len(resp.conn.names) == 0 || !resp.conn.named(f.name)
}

// readResponse returns the final response's header, passing interim ones on. Something has arrived already.
func (ex *exchange) readResponse(c *conn) (*response, error) {
	resp := &ex.resp
	for range maxInterim {
		if err := c.readHead(resp); err != nil {
			return nil, err
		}
		switch {
		case resp.status == http.StatusSwitchingProtocols && ex.req.upgrade == "":
			return nil, errors.New("switched protocols unasked")
		case resp.status == http.StatusSwitchingProtocols || resp.status >= 200:
			return resp, nil
		}
		ex.interim(resp)
	}
	return nil, errors.New("too many interim responses")
}

// readHead waits for a whole header.
func (c *conn) readHead(resp *response) error {
	for from := 0; ; {
		p := c.unread()
		end, next := headEnd(p, from)
		if end > 0 {
			head := string(p[:end])
			c.discard(end)
			return resp.parse(head)
		}
		from = next
		switch err := c.fill(); {
		case errors.Is(err, errFull):
			return errLongHeader
		case errors.Is(err, io.EOF) && len(p) == 0:
			return errors.Join(errNoByte, err)
		case err != nil:
			return errors.Join(errTorn, err)
		}
	}
}

// interim passes a 1xx response on. 100 starts the upload that waits for it, and that tells the client.
func (ex *exchange) interim(resp *response) {
	if resp.status == http.StatusContinue {
		ex.upload.proceed()
		return
	}
	ex.front.interim(resp)
}
