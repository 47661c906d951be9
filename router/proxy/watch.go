package proxy

import (
	"sync"
	"sync/atomic"
	"time"
)

// watch ends an exchange on which nothing happens for too long. Progress is one atomic store; the timer looks at it
// only when it fires, and goes on for the rest.
type watch struct {
	deadline atomic.Int64 // clock time

	mu      sync.Mutex
	ex      *exchange
	timer   *time.Timer
	why     cause
	begun   bool // a response is coming
	stopped bool
}

// start gives a response d to begin.
func (w *watch) start(ex *exchange, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ex, w.stopped = ex, false
	w.setLocked(causeLate, d)
}

func (w *watch) setLocked(why cause, d time.Duration) {
	w.why = why
	w.deadline.Store(int64(clock() + d))
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.fire)
		return
	}
	w.timer.Reset(d)
}

// touch says that there was progress: the next is due within d.
func (w *watch) touch(d time.Duration) { w.deadline.Store(int64(clock() + d)) }

// uploading makes the clock of the first byte wait for the request's end; meanwhile each byte of it counts.
func (w *watch) uploading(idle time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setLocked(causeIdle, idle)
}

// uploaded starts the clock of the first byte, unless that has come.
func (w *watch) uploaded(firstByte time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.begun && !w.stopped {
		w.setLocked(causeLate, firstByte)
	}
}

// responding ends the clock of the first byte.
func (w *watch) responding(idle time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = true
	w.setLocked(causeIdle, idle)
}

func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	if left := time.Duration(w.deadline.Load()) - clock(); left > 0 {
		w.timer.Reset(left)
		return
	}
	w.ex.cut(w.why)
}

func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
