package proxy

import (
	"errors"
	"math"
	"net/http"
)

var (
	// errNoByte: the backend closed the connection before it answered anything.
	errNoByte = errors.New("closed before the first byte of a response")
	// errTorn: it did so within the header of its response.
	errTorn = errors.New("closed in the header of a response")
)

// maxInterim bounds 1xx responses to one request.
const maxInterim = 32

// readResponse returns the final response's header, passing interim ones on.
func (ex *exchange) readResponse(c *conn) (*http.Response, error) {
	c.left = maxHeader
	if _, err := c.br.Peek(1); err != nil {
		return nil, errors.Join(errNoByte, err)
	}
	for range maxInterim {
		resp, err := http.ReadResponse(c.br, ex.r)
		if err != nil && c.torn {
			return nil, errors.Join(errTorn, err)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case resp.StatusCode == http.StatusSwitchingProtocols && ex.upgrade == "":
			return nil, errors.New("switched protocols unasked")
		case resp.StatusCode == http.StatusSwitchingProtocols || resp.StatusCode >= 200:
			c.left = math.MaxInt64
			return resp, nil
		}
		ex.interim(resp)
		c.left = maxHeader
	}
	return nil, errors.New("too many interim responses")
}

// interim passes a 1xx response on. 100 starts the upload that waits for it, and that makes net/http send it.
func (ex *exchange) interim(resp *http.Response) {
	if resp.StatusCode == http.StatusContinue {
		ex.upload.proceed()
		return
	}
	if !ex.r.ProtoAtLeast(1, 1) {
		return
	}
	h := ex.w.Header()
	copyFields(h, resp.Header)
	ex.w.WriteHeader(resp.StatusCode)
	clear(h)
}
