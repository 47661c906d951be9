package proxy

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// stream is a request of HTTP/2, which net/http speaks, and the front of the exchange with it.
type stream struct {
	h    *handler
	w    http.ResponseWriter
	r    *http.Request
	rc   *http.ResponseController
	req  request
	body streamBody
	grpc bool // it is a call of that
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler where a response that has begun must not look
// complete.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := &stream{h: h, w: w, r: r, rc: http.NewResponseController(w)}
	s.body.r = r
	defer s.body.release()
	if !s.read() {
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
		return
	}
	if out, _ := h.handle(s, &s.req, peerOf(r.RemoteAddr)); out == torn {
		panic(http.ErrAbortHandler)
	}
}

// read fills the stream's request, and makes sure that it can be said in HTTP/1.
func (s *stream) read() bool {
	r, req := s.r, &s.req
	req.method, req.target, req.host, req.major, req.secure = r.Method, r.RequestURI, r.Host, r.ProtoMajor, r.TLS != nil
	for name, values := range r.Header {
		k := kindOf(name)
		for _, v := range values {
			if !isToken(name) || !validValue(v) {
				return false
			}
			req.fields = append(req.fields, field{name: name, value: trimBlank(v), kind: k})
			switch k {
			case teField:
				req.trailers = req.trailers || hasToken(v, "trailers")
			case connection:
				req.conn.add(v)
			}
		}
	}
	if len(r.Trailer) > 0 {
		names := make([]string, 0, len(r.Trailer))
		for name := range r.Trailer {
			names = append(names, name)
		}
		req.fields = append(req.fields, field{name: "Trailer", value: strings.Join(names, ", "), kind: trailerField})
	}
	s.grpc = isGRPC(r.Header.Get("Content-Type"))
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		req.length = max(r.ContentLength, chunked)
	}
	return isToken(req.method) && s.hasTarget() && validHost(req.host)
}

// hasTarget says whether the target is one that HTTP/2 has (RFC 9113 8.3.1). net/http takes URLs too, with a host that
// backends would believe.
func (s *stream) hasTarget() bool {
	target := s.req.target
	if target == "" || !validTarget(target) {
		return false
	}
	return target[0] == '/' || target == "*" || s.req.method == http.MethodConnect
}

func (s *stream) interim(resp *response) {
	s.setFields(resp)
	s.w.WriteHeader(resp.status)
	clear(s.w.Header())
}

func (s *stream) setFields(resp *response) {
	h := s.w.Header()
	for i := range resp.fields {
		if f := &resp.fields[i]; resp.passes(f) {
			h.Add(f.name, f.value)
		}
	}
}

func (s *stream) begin(resp *response, length int64, _ bool) {
	h := s.w.Header()
	clear(h)
	s.setFields(resp)
	if _, has := h["Content-Type"]; !has {
		h["Content-Type"] = nil // keeps net/http from guessing one
	}
	if s.req.method == http.MethodHead {
		length = resp.length
	}
	if length >= 0 && (s.req.method == http.MethodHead || !resp.bodiless("")) {
		h.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	if s.h.leaving.Load() {
		h.Set("Connection", "close") // net/http says it by GOAWAY
	}
	s.w.WriteHeader(resp.status)
}

func (s *stream) write(p []byte) error {
	_, err := s.w.Write(p)
	return err
}

func (s *stream) flush() error { return s.rc.Flush() }

func (s *stream) end(trailer []field) error {
	if len(trailer) == 0 {
		return nil // net/http ends the stream with what there is left
	}
	if err := s.rc.Flush(); err != nil { // with a Content-Length, which net/http adds to a short body, there would be no trailer
		return err
	}
	for _, f := range trailer {
		if passesAsTrailer(f) {
			s.w.Header().Add(http.TrailerPrefix+http.CanonicalHeaderKey(f.name), f.value)
		}
	}
	return nil
}

func (s *stream) hijack(*response) (*sock, error) { return nil, http.ErrNotSupported }

func (s *stream) source() source { return &s.body }
func (s *stream) reusable() bool { return true }
func (s *stream) gone() bool     { return s.r.Context().Err() != nil }

func (s *stream) setReadDeadline(t time.Time)  { _ = s.rc.SetReadDeadline(t) } // one that is gone needs none
func (s *stream) setWriteDeadline(t time.Time) { _ = s.rc.SetWriteDeadline(t) }

// streamBody is the body of a stream's request.
type streamBody struct {
	r   *http.Request
	buf *[]byte
	p   []byte // unread
	err error
}

func (b *streamBody) early() []byte  { return nil }
func (b *streamBody) receive()       { b.buf = large.get() }
func (b *streamBody) proceed() error { return nil } // net/http does when it is read

func (b *streamBody) take() (p []byte, err error) {
	p, b.p = b.p, nil
	if len(p) == 0 && errors.Is(b.err, io.EOF) {
		err = io.EOF
	}
	return p, err
}

func (b *streamBody) fill() error {
	if b.err != nil {
		return b.err
	}
	var n int
	n, b.err = b.r.Body.Read(*b.buf)
	b.p = (*b.buf)[:n]
	if n > 0 || errors.Is(b.err, io.EOF) {
		return nil
	}
	return b.err
}

func (b *streamBody) ended() []field {
	var fields []field
	for name, values := range b.r.Trailer {
		for _, v := range values {
			if isToken(name) && validValue(v) {
				fields = append(fields, field{name: name, value: v, kind: kindOf(name)})
			}
		}
	}
	return fields
}

// release gives the buffer back. The upload has ended.
func (b *streamBody) release() {
	if b.buf != nil {
		large.put(b.buf)
		b.buf = nil
	}
}
