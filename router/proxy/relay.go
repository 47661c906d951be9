package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// relay passes the response on. The code is empty when all of it arrived.
func (ex *exchange) relay(c *conn, resp *http.Response) code {
	ex.watch.responding(ex.h.timeouts.Idle)
	announced := ex.announce(resp)
	if !ex.begin(resp.StatusCode) {
		return ex.failure(nil)
	}
	if bodiless(ex.r, resp) {
		return ""
	}
	rc := http.NewResponseController(ex.w)
	if c.br.Buffered() == 0 && rc.Flush() != nil { // the body may take its time
		return ex.clientFailure()
	}
	if failure := ex.copyBody(c, resp, rc); failure != "" {
		_ = rc.Flush() // let the client have what there is, before it learns that this was not all
		return failure
	}
	return ex.trailers(resp, rc, announced)
}

func bodiless(r *http.Request, resp *http.Response) bool {
	return r.Method == http.MethodHead || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified ||
		resp.ContentLength == 0
}

// announce writes the response's fields, and the trailers it announced, whose number it returns.
func (ex *exchange) announce(resp *http.Response) (announced int) {
	h := ex.w.Header()
	copyFields(h, resp.Header)
	if _, has := h["Content-Type"]; !has {
		h["Content-Type"] = nil // keeps net/http from guessing one
	}
	if len(resp.Trailer) > 0 {
		names := make([]string, 0, len(resp.Trailer))
		for name := range resp.Trailer {
			names = append(names, name)
		}
		h["Trailer"] = []string{strings.Join(names, ", ")}
	}
	if ex.upload.unfinished() && ex.r.ProtoMajor == 1 {
		h["Connection"] = []string{"close"} // whatever of the body is left unread must not be taken for a request
	}
	return len(resp.Trailer)
}

// copyFields copies a response's fields without those of the backend's connection.
func copyFields(dst, src http.Header) {
	hop := src["Connection"]
	for name, values := range src {
		if !hopByHop(name) && (len(hop) == 0 || !named(hop, name)) {
			dst[name] = values
		}
	}
}

// begin sends the status. It fails when the exchange was cut before.
func (ex *exchange) begin(status int) bool {
	ex.mu.Lock()
	if ex.cause != causeNone {
		ex.mu.Unlock()
		return false
	}
	ex.headerSent = true
	ex.mu.Unlock()
	ex.status = status
	ex.w.WriteHeader(status)
	return true
}

// copyBody passes the body on as it comes: whatever has arrived is flushed before the wait for more.
func (ex *exchange) copyBody(c *conn, resp *http.Response, rc *http.ResponseController) code {
	buf, _ := copyBuffers.Get().(*[chunkHead + copySize + chunkTail]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := resp.Body.Read(buf[:copySize])
		if n > 0 {
			ex.watch.touch(ex.h.timeouts.Idle)
			w, werr := ex.w.Write(buf[:n])
			ex.bytes += int64(w)
			if werr != nil {
				return ex.clientFailure()
			}
			ex.watch.touch(ex.h.timeouts.Idle)
		}
		switch {
		case errors.Is(err, io.EOF):
			return ""
		case err != nil:
			return ex.failure(err)
		case ex.bytes == resp.ContentLength:
			return "" // all of it; net/http sends it with the header where it is small
		case mayWait(c, resp, n) && rc.Flush() != nil:
			return ex.clientFailure()
		}
	}
}

// mayWait says whether the next read may have to wait for the backend. Of a chunked body the reader takes all whole
// chunks that are there, so after any read it may.
func mayWait(c *conn, resp *http.Response, n int) bool {
	return resp.ContentLength < 0 || c.br.Buffered() == 0 && n < copySize
}

// clientFailure is the code for a response that the client did not take.
func (ex *exchange) clientFailure() code {
	if code := ex.failure(nil); code != interrupted {
		return code
	}
	return clientGone
}

// trailers passes on what came after the body, announced or not.
func (ex *exchange) trailers(resp *http.Response, rc *http.ResponseController, announced int) code {
	if len(resp.Trailer) == 0 {
		return ""
	}
	if rc.Flush() != nil { // with a Content-Length, which net/http adds to a short body, there would be no trailer
		return ex.clientFailure()
	}
	h := ex.w.Header()
	for name, values := range resp.Trailer {
		if len(resp.Trailer) != announced {
			name = http.TrailerPrefix + name
		}
		h[name] = values
	}
	return ""
}
