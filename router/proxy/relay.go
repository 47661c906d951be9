package proxy

import (
	"errors"
	"io"
)

// relay passes the response on. The code is empty when all of it arrived.
func (ex *exchange) relay(c *conn, resp *response) code {
	ex.responding()
	length := resp.length
	if resp.bodiless(ex.req.method) {
		length = 0
	}
	ex.respBody.begin(c.sock, length)
	if !ex.begin(resp, length) {
		return ex.failure(nil)
	}
	if failure := ex.copyBody(); failure != "" {
		_ = ex.front.flush() // let the client have what there is, before it learns that this was not all
		return failure
	}
	if ex.front.end(ex.respBody.trailer) != nil {
		return ex.clientFailure()
	}
	return ""
}

// begin takes the header to the client. It fails when the exchange was cut before.
func (ex *exchange) begin(resp *response, length int64) bool {
	if ex.upload != nil {
		ex.upload.settle()
	}
	ex.mu.Lock()
	ok := ex.cause == causeNone
	ex.headerSent = ok
	ex.mu.Unlock()
	if ok {
		ex.status = resp.status
		ex.front.begin(resp, length, ex.mustClose())
	}
	return ok
}

// copyBody passes the body on as it comes: whatever has arrived is flushed before the wait for more.
func (ex *exchange) copyBody() code {
	b := &ex.respBody
	for {
		p, err := b.take()
		switch {
		case errors.Is(err, io.EOF):
			return ""
		case err != nil:
			return ex.failure(err)
		case len(p) > 0:
			ex.bytes += int64(len(p))
			if ex.front.write(p) != nil {
				return ex.clientFailure()
			}
			if b.done() {
				return "" // the last of it, and the end, go out together
			}
			ex.touch()
			continue
		}
		if ex.front.flush() != nil {
			return ex.clientFailure()
		}
		ex.touch()
		if err := b.fill(); err != nil {
			return ex.failure(err)
		}
		ex.touch()
	}
}

// clientFailure is the code for a response that the client did not take.
func (ex *exchange) clientFailure() code {
	if code := ex.failure(nil); code != interrupted {
		return code
	}
	return clientGone
}
