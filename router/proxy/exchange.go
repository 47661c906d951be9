package proxy

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"sync"
	"time"
)

// exchange is one request on its way: from its arrival, over at most maxAttempts connections, to its log line.
type exchange struct {
	h       *handler
	w       http.ResponseWriter
	r       *http.Request
	started time.Time
	id      string
	host    string
	fwd     string
	trusted bool
	upgrade string // the protocol that the client wants to switch to

	app       *app
	instance  string
	connected time.Time
	status    int
	bytes     int64 // of the response's body
	hijacked  bool

	slot   int // in backend.active, guarded by its lock
	upload *upload
	watch  watch

	mu         sync.Mutex // guards what cut, from other goroutines, has to know
	cause      cause
	ended      bool
	conn       *conn
	client     net.Conn // once hijacked
	headerSent bool     // written with mu, read by the handler's goroutine without
	unreadable bool     // the client's connection has a read deadline in the past: no request may follow on it
}

// cause is why an exchange was cut from outside.
type cause int

const (
	causeNone   cause = iota
	causeLate         // no first byte in time
	causeIdle         // no byte either way for too long
	causeClient       // the client went away
	causeDrained
)

const maxAttempts = 3

// attempt is how sending a request to one backend ended.
type attempt int

const (
	answered attempt = iota
	stale            // a kept connection turned out to be closed, and the request can go out again
	failed
)

// serve handles the request but for its failure page, log line and abort: it returns the code that these are to show.
func (ex *exchange) serve() code {
	r := ex.r
	ex.app = ex.h.live.lookup(ex.host)
	switch {
	case ex.app == nil:
		return unknown
	case r.Method == http.MethodConnect:
		return badMethod
	case r.RequestURI == "*" && r.Method != http.MethodOptions:
		return badRequest
	}
	ex.upgrade = upgradeOf(r)
	defer ex.end()
	stop := context.AfterFunc(r.Context(), func() { ex.cut(causeClient) })
	defer stop()
	return ex.attempts()
}

// attempts tries backends until one has the whole request. A backend that cannot be connected to has had no byte of
// it, so another may be tried whatever the request is.
func (ex *exchange) attempts() code {
	var tried []*backend
	last, fresh := code(""), false
	for len(tried) < maxAttempts {
		b, c, failure := ex.take(tried, fresh)
		if b == nil {
			if last != "" {
				return last
			}
			return failure
		}
		if c == nil {
			var err error
			if c, err = ex.connect(b); err != nil {
				b.release(ex, nil)
				if ex.r.Context().Err() != nil {
					return clientGone
				}
				b.shun()
				last = refused
				if late(err) {
					last = connectLate
				}
				tried = append(tried, b)
				continue
			}
		}
		ended, failure := ex.send(b, c)
		if ended != stale {
			return failure
		}
		fresh = true
	}
	return last
}

// take picks a backend, with a kept connection if there is one that will do. Without one to pick the code says why.
func (ex *exchange) take(tried []*backend, fresh bool) (*backend, *conn, code) {
	maxAge := idleConn
	switch {
	case fresh:
		maxAge = 0
	case !ex.repeatable():
		maxAge = idleOnce
	}
	for {
		a := ex.h.live.lookup(ex.host) // again: the table may have changed since
		if a == nil {
			return nil, nil, unknown
		}
		ex.app = a
		if a.maintenance {
			return nil, nil, maintenance
		}
		if len(a.backends) == 0 {
			return nil, nil, a.down
		}
		b := pick(a.backends, tried)
		if b == nil {
			return nil, nil, refused
		}
		c, ok := b.acquire(ex, maxAge)
		if !ok {
			continue // it left the table this moment
		}
		ex.instance = b.instance
		if c != nil && !c.alive() {
			c.close()
			c = nil
		}
		return b, c, ""
	}
}

// repeatable says whether the request may be sent again after a backend closed a kept connection on it: by its method
// it changes nothing, and it has no body.
func (ex *exchange) repeatable() bool {
	switch ex.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return !hasBody(ex.r) && ex.upgrade == ""
	}
	return false
}

func (ex *exchange) connect(b *backend) (*conn, error) {
	return dial(ex.r.Context(), b.addr, ex.h.timeouts.Connect)
}

// send carries the request over c, which it gives back to b or closes, and relays the response.
func (ex *exchange) send(b *backend, c *conn) (ended attempt, failure code) {
	keep := false
	defer func() {
		ex.detach()
		if !keep {
			c.close()
			c = nil
		}
		b.release(ex, c)
	}()
	if !ex.attach(c) {
		return failed, ex.failure(nil)
	}
	ex.connected = time.Now()
	c.head = ex.appendHead(c.head[:0])
	n, err := c.tcp.Write(c.head)
	if cap(c.head) > maxKeptHead {
		c.head = nil
	}
	if err != nil {
		if c.reused && ex.uncut() && (n == 0 || ex.repeatable()) {
			return stale, ""
		}
		return failed, ex.failure(err)
	}
	ex.startUpload(c)
	resp, err := ex.readResponse(c)
	if err != nil {
		if c.reused && ex.uncut() && ex.repeatable() && errors.Is(err, errNoByte) {
			return stale, ""
		}
		ex.abandonUpload()
		return failed, ex.failure(err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return answered, ex.tunnel(c, resp)
	}
	failure = ex.relay(c, resp)
	whole := ex.endUpload(failure != "")
	keep = failure == "" && whole && !resp.Close && c.br.Buffered() == 0 && ex.uncut()
	c.reused = true
	return answered, failure
}

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

// attach lets cut reach c. It fails when the exchange was cut already.
func (ex *exchange) attach(c *conn) bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.cause != causeNone {
		return false
	}
	ex.conn = c
	ex.watch.start(ex, ex.h.timeouts.FirstByte)
	return true
}

// detach is attach's end: from now on c is not this exchange's.
func (ex *exchange) detach() {
	ex.watch.stop()
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.conn = nil
}

// end keeps cut from touching what belongs to net/http again once the handler returns.
func (ex *exchange) end() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.ended = true
}

func (ex *exchange) uncut() bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.cause == causeNone
}

// cut ends the exchange from another goroutine, for the first cause given, and says whether it was the first.
func (ex *exchange) cut(why cause) bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if ex.cause != causeNone || ex.ended {
		return false
	}
	if why == causeIdle && !ex.headerSent && ex.upload != nil && ex.upload.writing.Load() {
		why = causeLate // it is the backend that does not go on
	}
	ex.cause = why
	if ex.conn != nil {
		_ = ex.conn.tcp.SetDeadline(past) // a closed one needs none
	}
	if ex.client != nil {
		_ = ex.client.SetDeadline(past)
		return true
	}
	rc := http.NewResponseController(ex.w)
	if ex.upload.unfinished() {
		ex.unreadable = true
		_ = rc.SetReadDeadline(past)
	}
	if ex.headerSent {
		_ = rc.SetWriteDeadline(past)
	}
	return true
}

// failure is the code of an exchange that got no response: by the cause of its cut, else by err.
func (ex *exchange) failure(err error) code {
	ex.mu.Lock()
	why := ex.cause
	ex.mu.Unlock()
	switch {
	case why == causeLate:
		return timedOut
	case why == causeClient:
		return clientGone
	case why == causeIdle:
		return ex.idleCode()
	case why == causeDrained && ex.headerSent:
		return interrupted
	case why == causeDrained:
		return noResponse
	case ex.headerSent:
		return interrupted
	case ex.upload.clientFailed():
		return ex.upload.code()
	case errors.Is(err, errNoByte) || errors.Is(err, errTorn) || isNetError(err):
		return noResponse
	}
	return garbled
}

func (ex *exchange) idleCode() code {
	if ex.headerSent {
		return idleBackend
	}
	return idleClient
}

func isNetError(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}
