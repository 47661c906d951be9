package proxy

import (
	"errors"
	"net"
	"net/http"
)

// cause is why an exchange was cut from outside.
type cause int

const (
	causeNone   cause = iota
	causeLate         // no first byte in time
	causeIdle         // no byte either way for too long
	causeClient       // the client went away
	causeDrained
)

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
