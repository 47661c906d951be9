package proxy

import (
	"context"
	"errors"
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
func (ex *exchange) attempts() (failure code) {
	var tried []*backend
	fresh := false
	for len(tried) < maxAttempts {
		b, c, none := ex.take(tried, fresh)
		if b == nil && failure != "" {
			return failure // of the last one tried says more than that there are no more
		}
		if b == nil {
			return none
		}
		if c == nil {
			if c, failure = ex.connect(b); failure == clientGone {
				return failure
			}
		}
		if c == nil {
			tried = append(tried, b)
			continue
		}
		var ended attempt
		if ended, failure = ex.send(b, c); ended != stale {
			return failure
		}
		fresh = true
	}
	return failure
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

// connect opens a connection to b. Where that fails it releases b, which is passed over for a while.
func (ex *exchange) connect(b *backend) (*conn, code) {
	c, err := dial(ex.r.Context(), b.addr, ex.h.timeouts.Connect)
	if err == nil {
		return c, ""
	}
	b.release(ex, nil)
	if ex.r.Context().Err() != nil {
		return nil, clientGone
	}
	b.shun()
	if late(err) {
		return nil, connectLate
	}
	return nil, refused
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
	if n, err := c.writeHead(ex); err != nil {
		return ex.unsent(c, n == 0 || ex.repeatable(), err)
	}
	ex.startUpload(c)
	resp, err := ex.readResponse(c) //nolint:bodyclose // its Close would only wait for the rest, which is for c.close to end
	if err != nil {
		ex.abandonUpload()
		return ex.unsent(c, ex.repeatable() && errors.Is(err, errNoByte), err)
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

// unsent is how an attempt ended that got no response: it can be made again where the connection had been kept and the
// request may be sent twice, or was not sent at all.
func (ex *exchange) unsent(c *conn, repeatable bool, err error) (attempt, code) {
	if c.reused && repeatable && ex.uncut() {
		return stale, ""
	}
	return failed, ex.failure(err)
}
