package proxy

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

const (
	ringLines = 8192
	ringBytes = 4 << 20
)

// ring holds the request lines that the controller has not read yet. It never makes a request wait: when it is full
// the oldest line goes, and is counted for its app.
type ring struct {
	maxLines, maxBytes int

	mu      sync.Mutex
	lines   []slot // a circle from head
	head, n int
	bytes   int
	dropped map[string]int // by app, not yet said
	gone    uint64         // in all
	wake    chan struct{}  // has a token when there is something new
	closed  bool
	end     chan struct{} // closed with it
}

func newRing(lines, bytes int) *ring {
	return &ring{maxLines: lines, maxBytes: bytes, dropped: map[string]int{}, wake: make(chan struct{}, 1), end: make(chan struct{})}
}

// slot is the place of a line. Its text's memory is used again.
type slot struct {
	app  string
	at   time.Time
	text []byte
}

// appendJSON writes the line as a router.LogEvent.
func (s *slot) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"app":`...), []byte(s.app))
	b = append(s.at.AppendFormat(append(b, `,"time":"`...), time.RFC3339Nano), '"')
	b = appendString(append(b, `,"text":`...), s.text)
	return append(b, "}\n"...)
}

// appendString writes a JSON string. Lines are printable text with quotes in it; whatever else there is encoding/json
// knows how to write.
func appendString(b, s []byte) []byte {
	start := len(b)
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			text, err := json.Marshal(string(s))
			if err != nil {
				text = []byte(`""`)
			}
			return append(b[:start], text...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// maxKeptText bounds what a long line leaves behind in its slot.
const maxKeptText = 512

// add takes a line of an app. It does not keep text.
func (r *ring) add(app string, at time.Time, text []byte) {
	r.put(app, at, text)
	r.notify()
}

func (r *ring) put(app string, at time.Time, text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.n > 0 && (r.n == r.maxLines || r.bytes+len(text) > r.maxBytes) {
		r.dropped[r.shift().app]++
		r.gone++
	}
	if r.n == len(r.lines) {
		r.grow()
	}
	s := &r.lines[(r.head+r.n)%len(r.lines)]
	s.app, s.at, s.text = app, at, append(s.text[:0], text...)
	r.n++
	r.bytes += len(text)
}

// lost is how many lines were dropped so far.
func (r *ring) lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.gone
}

func (r *ring) notify() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// shift takes the oldest line out. Its text is valid until the next add.
func (r *ring) shift() slot {
	s := r.lines[r.head]
	if cap(s.text) > maxKeptText {
		r.lines[r.head].text = nil
	}
	r.head = (r.head + 1) % len(r.lines)
	r.n--
	r.bytes -= len(s.text)
	return s
}

func (r *ring) grow() {
	lines := make([]slot, min(r.maxLines, max(64, 2*len(r.lines))))
	for i := range r.n {
		lines[i] = r.lines[(r.head+i)%len(r.lines)]
	}
	r.lines, r.head = lines, 0
}

// take moves up to len(buf) lines into buf: first what says how many were dropped, then lines in order. The memory of
// the texts in buf goes to the ring in exchange. more is false once the ring is closed and empty.
func (r *ring) take(buf []slot, now time.Time) (n int, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for app, count := range r.dropped {
		if n == len(buf) {
			break
		}
		buf[n] = slot{app: app, at: now, text: []byte(droppedLine(count))}
		delete(r.dropped, app)
		n++
	}
	for n < len(buf) && r.n > 0 {
		at, spare := r.head, buf[n].text
		buf[n] = r.shift()
		if cap(spare) <= maxKeptText {
			r.lines[at].text = spare
		} else {
			r.lines[at].text = nil
		}
		n++
	}
	return n, n > 0 || !r.closed
}

// wait blocks until there may be something to take, and not for less than pause unless the ring is closed, or ctx ends.
func (r *ring) wait(ctx context.Context, pause <-chan time.Time) {
	select {
	case <-r.wake:
	case <-ctx.Done():
		return
	}
	select {
	case <-pause:
	case <-r.end:
	case <-ctx.Done():
	}
}

// close lets a reader end once it has taken what there is.
func (r *ring) close() {
	r.mu.Lock()
	r.closed = true
	close(r.end)
	r.mu.Unlock()
	r.notify()
}
