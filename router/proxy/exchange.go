package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// exchange is one request on its way: from its arrival, over at most maxAttempts connections, to its log line. It is
// used again for other requests (see newExchange): when serve returns, nothing but the front that called it knows it.
type exchange struct {
	h       *handler
	front   front
	req     *request
	resp    response
	started time.Time
	id      string
	host    string
	fwd     string
	trusted bool

	app       *app
	instance  string
	connected time.Time
	location  string // of a redirect
	challenge string // what an ACME authority is to be answered
	counted   *share // that it counts in
	status    int
	bytes     int64 // of the response's body
	received  int64 // of the request's, where no upload counts them
	hijacked  bool

	slot     int  // in backend.active, guarded by its lock
	probe    bool // it tries whether a backend is back
	tried    []*backend
	early    []byte // the request's body, where it came with the header
	respBody body
	upload   *upload // set under mu

	deadline atomic.Int64 // clock time by which something has to happen, 0: none

	mu         sync.Mutex // guards what cut and the watch, from other goroutines, have to know
	why        cause      // of a cut at the deadline
	begun      bool       // a response is coming
	lookAt     time.Duration
	cause      cause
	conn       *conn
	cancelDial context.CancelFunc
	client     *sock // once hijacked
	headerSent bool  // written with mu, read by the handler's goroutine without
	unreadable bool  // the client's connection has a read deadline in the past: no request may follow on it
}

const maxAttempts = 3

// attempt is how sending a request to one backend ended.
type attempt int

const (
	answered  attempt = iota
	unreached         // no byte went out, and another backend may be tried
	stale             // a kept connection turned out to be closed, and the request can go out again
	failed
)

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// newExchange makes one for a request; free must be called when it is over.
func newExchange(h *handler, f front, req *request, peer string) *exchange {
	ex, _ := exchanges.Get().(*exchange)
	ex.h, ex.front, ex.req, ex.started = h, f, req, time.Now()
	ex.trusted = trusts(h.trusted, peer)
	ex.fwd = req.forwardedFor(peer, ex.trusted)
	ex.id = requestID(req.value(idField))
	ex.host = hostOf(req.host)
	return ex
}

// maxKeptFields bounds what an unusually long header leaves behind.
const maxKeptFields = 64

// emptied is the memory of fields, to be used again, without what they refer to.
func emptied(fields []field) []field {
	if cap(fields) > maxKeptFields {
		return nil
	}
	clear(fields)
	return fields[:0]
}

// free lets ex be used again. Nothing refers to it by now: it is in no backend's list, and its upload was waited for.
func (ex *exchange) free() {
	fields, tried := emptied(ex.resp.fields), ex.tried
	clear(tried)
	*ex = exchange{resp: response{fields: fields}, tried: tried[:0]}
	exchanges.Put(ex)
}

// serve handles the request but for its failure page, log line and abort: it returns the code that these are to show.
func (ex *exchange) serve() code {
	if ex.isChallenge() {
		return challenged
	}
	ex.app = ex.h.live.lookup(ex.host, ex.req.target)
	switch {
	case ex.app == nil:
		return unknown
	case ex.req.method == http.MethodConnect:
		return badMethod
	case ex.req.target == "*" && ex.req.method != http.MethodOptions:
		return badRequest
	}
	if refusal := ex.admit(); refusal != "" {
		return refusal
	}
	failure := ex.attempts()
	if ex.counted != nil {
		ex.counted.inflight.Add(-1)
	}
	return failure
}

// attempts tries backends until one has the whole request. A backend that cannot be connected to has had no byte of
// it, so another may be tried whatever the request is.
func (ex *exchange) attempts() (failure code) {
	fresh := false
	for again := false; len(ex.tried) < maxAttempts; again = true {
		b, c, none := ex.take(fresh)
		if b == nil && failure != "" {
			return failure // of the last one tried says more than that there are no more
		}
		if b == nil {
			return none
		}
		if again {
			ex.app.share.tally.retries.Add(1)
		}
		var ended attempt
		switch ended, failure = ex.try(b, c); ended {
		case unreached:
			ex.tried = append(ex.tried, b)
		case stale:
			fresh = true
		default:
			return failure
		}
	}
	return failure
}

// try sends the request to b.
func (ex *exchange) try(b *backend, c *conn) (ended attempt, failure code) {
	if s := ex.callStream(); s != nil {
		return ex.call(s, b)
	}
	if c == nil {
		c, failure = ex.connect(b)
	}
	switch {
	case c != nil:
		return ex.send(b, c)
	case failure == clientGone || failure == noResponse:
		return failed, failure
	}
	return unreached, failure
}

// take picks a backend, with a kept connection if there is one that will do. Without one to pick the code says why.
func (ex *exchange) take(fresh bool) (*backend, *conn, code) {
	maxAge := idleConn
	switch {
	case fresh || ex.callStream() != nil:
		maxAge = 0
	case !ex.repeatable():
		maxAge = idleOnce
	}
	for {
		a := ex.h.live.lookup(ex.host, ex.req.target) // again: the table may have changed since
		if a == nil {
			return nil, nil, unknown
		}
		ex.app = a
		switch {
		case a.maintenance:
			return nil, nil, maintenance
		case a.holds():
			turn, failure := ex.hold(a)
			if failure != "" {
				return nil, nil, failure
			}
			defer turn()
			continue
		case len(a.backends) == 0:
			return nil, nil, a.down
		}
		b := pick(a.backends, ex.tried)
		if b == nil {
			return nil, nil, refused
		}
		ok, probe := b.claim()
		if !ok {
			continue // another request tries it
		}
		ex.probe = probe
		c, ok := b.acquire(ex, maxAge)
		if !ok {
			continue // it left the table this moment
		}
		ex.instance = b.instance
		return b, c, ""
	}
}

// repeatable says whether the request may be sent again after a backend closed a kept connection on it: by its method
// it changes nothing, and it has no body.
func (ex *exchange) repeatable() bool {
	switch ex.req.method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return ex.req.length == 0 && ex.req.upgrade == ""
	}
	return false
}

// connect opens a connection to b. Where that fails it releases b, which is passed over for a while.
func (ex *exchange) connect(b *backend) (*conn, code) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if !ex.dialing(cancel) {
		b.release(ex, nil)
		return nil, ex.failure(nil)
	}
	c, err := dial(ctx, b.addr, ex.h.timeouts.Connect)
	uncut := ex.dialing(nil)
	if err == nil {
		b.works()
		return c, ""
	}
	b.release(ex, nil)
	if !uncut {
		return nil, ex.failure(nil)
	}
	if b.shun() {
		ex.app.share.tally.ejections.Add(1)
	}
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
		c.drop()
		if !keep {
			c.shut()
			c = nil
		}
		if failure.byBackend() {
			b.failed.Add(1)
		}
		b.release(ex, c)
	}()
	if !ex.attach(c) {
		return failed, ex.failure(nil)
	}
	ex.connected = time.Now()
	sent, err := ex.ask(c)
	var resp *response
	if err == nil {
		resp, err = ex.readResponse(c)
	}
	if err != nil {
		ex.abandonUpload()
		return ex.unsent(c, sent == 0 || ex.repeatable() && errors.Is(err, errNoByte), err)
	}
	if resp.status == http.StatusSwitchingProtocols {
		return answered, ex.tunnel(c, resp)
	}
	b.works()
	failure = ex.relay(c, resp)
	whole := ex.endUpload(failure != "")
	keep = failure == "" && whole && !resp.closes() && ex.respBody.left != untilClose && len(c.unread()) == 0 && ex.uncut()
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
