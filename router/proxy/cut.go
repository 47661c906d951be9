package proxy

import (
	"context"
	"errors"
	"net"
	"time"
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
	ex.within(causeLate, ex.app.policy.firstByte)
	return true
}

// detach is attach's end: from now on c is not this exchange's.
func (ex *exchange) detach() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.conn = nil
	ex.deadline.Store(0)
}

// dialing lets cut end a dial, or with nil no longer. It fails when the exchange was cut already.
func (ex *exchange) dialing(cancel context.CancelFunc) bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.cancelDial = cancel
	return ex.cause == causeNone
}

// within cuts the exchange for that reason unless there is progress within d. mu is held.
func (ex *exchange) within(why cause, d time.Duration) {
	ex.why = why
	ex.deadline.Store(int64(clock() + d))
}

// touch says that there was progress: the next is due within the idle timeout.
func (ex *exchange) touch() { ex.deadline.Store(int64(clock() + ex.app.policy.idle)) }

// uploading makes the clock of the first byte wait for the request's end; meanwhile each byte of it counts.
func (ex *exchange) uploading(u *upload) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.upload = u
	ex.within(causeIdle, ex.app.policy.idle)
}

// uploaded starts the clock of the first byte, unless that has come.
func (ex *exchange) uploaded() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if !ex.begun && ex.conn != nil {
		ex.within(causeLate, ex.app.policy.firstByte)
	}
}

// sending makes each byte of a call count until its end.
func (ex *exchange) sending() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.within(causeIdle, ex.app.policy.idle)
}

// asked starts the clock of the first byte of the answer to a call, unless that has come.
func (ex *exchange) asked() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if !ex.begun {
		ex.within(causeLate, ex.app.policy.firstByte)
	}
}

// responding ends the clock of the first byte.
func (ex *exchange) responding() {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.begun = true
	ex.within(causeIdle, ex.app.policy.idle)
}

// lookFirst and lookLast bound how often a waiting exchange's client is looked after: at first soon, later less often.
const (
	lookFirst = 100 * time.Millisecond
	lookLast  = time.Second
)

// inspect cuts the exchange if what it waits for is overdue, or its client has gone. The one who inspects all of them
// calls it every now and then, so that a request that is answered at once costs no timer, and no watch of its client.
func (ex *exchange) inspect(now time.Duration) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	if due := time.Duration(ex.deadline.Load()); due != 0 && due <= now {
		ex.cutLocked(ex.why)
		return
	}
	if ex.client != nil || ex.upload.unfinished() {
		return // somebody reads from the client, and will see
	}
	switch age := now - ex.started.Sub(epoch); {
	case ex.lookAt == 0:
		ex.lookAt = now + lookFirst
	case now >= ex.lookAt:
		ex.lookAt = now + min(max(lookFirst, age), lookLast)
		if ex.front.gone() {
			ex.cutLocked(causeClient)
		}
	}
}

func (ex *exchange) uncut() bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.cause == causeNone
}

// cut ends the exchange from another goroutine, for the first cause given, and says whether it was the first. The
// exchange must be in a backend's list, and stay there meanwhile.
func (ex *exchange) cut(why cause) bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.cutLocked(why)
}

func (ex *exchange) cutLocked(why cause) bool {
	if ex.cause != causeNone {
		return false
	}
	if why == causeIdle && !ex.headerSent && ex.upload != nil && ex.upload.writing.Load() {
		why = causeLate // it is the backend that does not go on
	}
	ex.cause = why
	if ex.cancelDial != nil {
		ex.cancelDial()
	}
	if ex.client != nil {
		ex.endTunnel(why)
		return true
	}
	if ex.conn != nil {
		_ = ex.conn.SetDeadline(past) // a closed one needs none
	}
	if ex.upload.unfinished() {
		ex.unreadable = true
		ex.front.setReadDeadline(past)
	}
	if ex.headerSent {
		ex.front.setWriteDeadline(past)
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
