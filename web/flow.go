package web

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// flushAfter is how long bytes may wait for company before they are sent.
const flushAfter = 20 * time.Millisecond

// flow is the body of an answer that comes bit by bit: each write is on its way within flushAfter, many small ones
// together. The status is sent with the first write, so that an error before it has its own. A client that reads
// nothing for writeTimeout is given up.
type flow struct {
	c     echo.Context
	conn  *http.ResponseController
	kind  string
	mu    sync.Mutex
	timer *time.Timer // set while bytes wait
	err   error
	over  bool
}

func newFlow(c echo.Context, kind string) *flow {
	return &flow{c: c, conn: http.NewResponseController(c.Response()), kind: kind}
}

// Write sends p soon. It blocks while the client is slow, which holds up only what feeds this one client.
func (f *flow) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, f.err
	}
	f.begin()
	if f.err = inTime(f.conn); f.err != nil {
		return 0, f.err
	}
	n, err := f.c.Response().Write(p)
	f.err = err
	if f.timer == nil {
		f.timer = time.AfterFunc(flushAfter, f.flush)
	}
	return n, err
}

func (f *flow) begin() {
	if !f.c.Response().Committed {
		f.c.Response().Header().Set(echo.HeaderContentType, f.kind)
		f.c.Response().WriteHeader(http.StatusOK)
	}
}

// flush runs on the timer. After end it must not touch the answer any more.
func (f *flow) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.timer = nil
	if !f.over && f.err == nil {
		f.err = f.conn.Flush()
	}
}

// end finishes the answer. An error after the first write can only be told by breaking the answer off.
func (f *flow) end(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = true
	if f.timer != nil {
		f.timer.Stop()
	}
	if f.c.Request().Context().Err() != nil || f.err != nil {
		return nil // the client has left, or paasd is stopping: the end of the stream is all there is to say
	}
	if f.err = inTime(f.conn); f.err != nil { // the last write may be long ago, and its deadline over
		return nil
	}
	if err != nil {
		return err
	}
	f.begin()
	return nil
}

// breakOff ends an answer that has begun so that the client cannot take it for complete.
func breakOff(c echo.Context) error {
	rc := http.NewResponseController(c.Response())
	err := rc.Flush() // what there is arrives
	conn, _, hijackErr := rc.Hijack()
	if err := errors.Join(err, hijackErr); err != nil {
		return err
	}
	return conn.Close()
}
