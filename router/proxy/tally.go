package proxy

import (
	"sync/atomic"
	"time"
)

// tally is what the requests of an app came to. A request adds to it once, when it is over, without a lock.
type tally struct {
	classes   [5]atomic.Uint64 // of statuses, 1xx to 5xx
	codes     [len(hCodes)]atomic.Uint64
	latencies [len(latencyBounds) + 1]atomic.Uint64 // by the first bound that is not passed; the last: none
	took      atomic.Int64                          // all of them together, in nanoseconds
	in, out   atomic.Int64                          // bytes of bodies, and of tunnels
	retries   atomic.Uint64
	ejections atomic.Uint64
	held      atomic.Uint64
}

// latencyBounds are few, since every app has as many counters. The last is the default time-out.
var latencyBounds = [...]time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second,
}

// hCodes are the codes that isH holds for.
var hCodes = [...]code{
	crashed, backlog, timedOut, noResponse, noInstance, idleBackend, garbled, interrupted, connectLate, booting, refused, clientGone,
	idleClient, maintenance, nothing, platform,
}

// count takes a request that is over. How long a tunnel was open is no latency.
func (t *tally) count(c code, status int, took time.Duration, tunnel bool, in, out int64) {
	if class := status / 100; 1 <= class && class <= len(t.classes) {
		t.classes[class-1].Add(1)
	}
	if c.isH() {
		t.countCode(c)
	}
	if !tunnel {
		t.latencies[bucketOf(took)].Add(1)
		t.took.Add(int64(took))
	}
	if in > 0 {
		t.in.Add(in)
	}
	if out > 0 {
		t.out.Add(out)
	}
}

func (t *tally) countCode(c code) {
	for i, known := range hCodes {
		if c == known {
			t.codes[i].Add(1)
		}
	}
}

func bucketOf(took time.Duration) int {
	for i, bound := range latencyBounds {
		if took <= bound {
			return i
		}
	}
	return len(latencyBounds)
}

// requests is how many were answered, and failures how many of these with an H-code.
func (t *tally) requests() (requests, failures uint64) {
	for i := range t.classes {
		requests += t.classes[i].Load()
	}
	for i := range t.codes {
		failures += t.codes[i].Load()
	}
	return requests, failures
}
