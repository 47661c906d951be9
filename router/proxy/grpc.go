package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A call of gRPC needs HTTP/2 all the way: it goes to the backend as a stream of a connection of HTTP/2 without TLS, which
// all calls to that backend share. Everything else about it is as with other requests.

// isGRPC holds for the content types of gRPC over HTTP/2; gRPC-Web is an ordinary request.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// callStream is the front of a call; nil where the request is none.
func (ex *exchange) callStream() *stream {
	if s, ok := ex.front.(*stream); ok && s.grpc {
		return s
	}
	return nil
}

// pingAfter is how long a shared connection may be silent before it is looked whether the backend is still there.
const pingAfter = 15 * time.Second

// streams is the transport for calls to b.
func (b *backend) streams(connect time.Duration) *http.Transport {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls == nil {
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		addr, dialer := b.addr.String(), &net.Dialer{Timeout: connect}
		b.calls = &http.Transport{
			Protocols: protocols, DisableCompression: true, IdleConnTimeout: idleConn,
			HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "tcp", addr)
			},
		}
	}
	return b.calls
}

// closeStreams closes connections without a call. mu is not held.
func (b *backend) closeStreams() {
	b.mu.Lock()
	calls := b.calls
	b.mu.Unlock()
	if calls != nil {
		calls.CloseIdleConnections()
	}
}

// call carries a call to b and its answer back.
func (ex *exchange) call(s *stream, b *backend) (ended attempt, failure code) {
	body := &callBody{from: s.r.Body, ex: ex, most: ex.app.policy.maxBody}
	defer func() {
		ex.received = body.detach()
		ex.detach()
		if failure.byBackend() {
			b.failed.Add(1)
		}
		b.release(ex, nil)
	}()
	ctx, cancel := context.WithCancel(s.r.Context())
	defer cancel()
	defer ex.dialing(nil)
	if !ex.dialing(cancel) {
		return failed, ex.failure(nil)
	}
	ex.sending()
	ex.connected = time.Now()
	resp, err := b.streams(ex.h.timeouts.Connect).RoundTrip(ex.callRequest(ctx, s, body))
	if err != nil {
		return ex.uncalled(b, body, err)
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	b.works()
	return answered, ex.relayCall(resp)
}

// uncalled is what a call without an answer comes to.
func (ex *exchange) uncalled(b *backend, body *callBody, err error) (attempt, code) {
	if ex.front.gone() {
		ex.cut(causeClient)
	}
	op, dialled := errors.AsType[*net.OpError](err)
	switch {
	case body.isLarge():
		return failed, bodyLarge
	case !ex.uncut() || !dialled || op.Op != "dial":
		return failed, ex.failure(errors.Join(errNoByte, err))
	}
	if b.shun() {
		ex.app.share.tally.ejections.Add(1)
	}
	if late(err) {
		return unreached, connectLate
	}
	return unreached, refused
}

// callRequest is the request as the backend gets it: what a backend of HTTP/1 would get.
func (ex *exchange) callRequest(ctx context.Context, s *stream, body io.ReadCloser) *http.Request {
	_, head := cutLine(string(ex.appendHead(nil)))
	fields, err := parseFields(nil, head)
	if err != nil {
		panic(err) // of what was just written
	}
	r := &http.Request{
		Method: ex.req.method, URL: &url.URL{Scheme: "http", Host: ex.req.host, Opaque: ex.req.target}, Host: ex.req.host,
		Header: make(http.Header, len(fields)), Body: body, ContentLength: s.r.ContentLength,
	}
	if u, err := url.ParseRequestURI(ex.req.target); err == nil {
		r.URL.Opaque, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "", u.Path, u.RawPath, u.RawQuery
	}
	for _, f := range fields {
		switch f.kind {
		case hostField, lengthField, codingField, trailerField, expectField:
		default:
			r.Header.Add(f.name, f.value)
		}
	}
	return r.WithContext(ctx)
}

// relayCall passes the answer on as it comes.
func (ex *exchange) relayCall(from *http.Response) code {
	ex.responding()
	resp := &ex.resp
	*resp = response{status: from.StatusCode, minor: 1, length: chunked, dated: true, fields: appendHeader(resp.fields[:0], from.Header)}
	if !ex.begin(resp, chunked) {
		return ex.failure(nil)
	}
	if from.ContentLength == 0 { // an answer that is its own trailer, and has to stay one frame
		return ""
	}
	buf := large.get()
	defer large.put(buf)
	for {
		if ex.front.flush() != nil {
			return ex.clientFailure()
		}
		n, err := from.Body.Read(*buf)
		ex.touch()
		ex.bytes += int64(n)
		if n > 0 && ex.front.write((*buf)[:n]) != nil {
			return ex.clientFailure()
		}
		switch {
		case errors.Is(err, io.EOF):
			if ex.front.end(appendHeader(nil, from.Trailer)) != nil {
				return ex.clientFailure()
			}
			return ""
		case err != nil && ex.uncut() && ex.front.gone():
			return clientGone
		case err != nil:
			return ex.failure(err)
		}
	}
}

func appendHeader(fields []field, h http.Header) []field {
	for name, values := range h {
		for _, v := range values {
			if isToken(name) && validValue(v) {
				fields = append(fields, field{name: name, value: v, kind: kindOf(name)})
			}
		}
	}
	return fields
}

// callBody is what the client sends of a call, as the transport reads it: in a goroutine that may still wait for more when
// the exchange is over, and has to leave that alone then.
type callBody struct {
	from io.ReadCloser
	most int64 // that the app takes; 0: no bound

	mu    sync.Mutex
	ex    *exchange // nil once it is over
	n     int64
	large bool
}

// Read implements io.Reader.
func (b *callBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n += int64(n)
	if b.most > 0 && b.n > b.most {
		b.large = true
		return 0, errBodyLarge
	}
	switch {
	case b.ex == nil:
	case errors.Is(err, io.EOF):
		b.ex.asked()
	default:
		b.ex.touch()
	}
	return n, err
}

// Close implements io.Closer. The server closes what it reads from.
func (b *callBody) Close() error { return nil }

func (b *callBody) isLarge() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.large
}

// detach is the end of the exchange. It returns how many bytes came.
func (b *callBody) detach() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ex = nil
	return b.n
}
