package web

import (
	"bytes"
	"fmt"
	"sync"
)

const (
	maxLines = 2000     // that wait for a slow reader
	maxLine  = 16 << 10 // bytes; longer ones are cut into several
)

// lines is a queue of text lines between an operation, which writes and is never made to wait, and a client, which may
// be slow: what it cannot take is dropped and counted, and the count is said in place.
type lines struct {
	mu      sync.Mutex
	queue   []string
	dropped int
	partial []byte
	closed  bool
	wake    chan struct{} // capacity 1
}

func newLines() *lines { return &lines{wake: make(chan struct{}, 1)} }

// Write never blocks and never fails. Lines need not be aligned to writes.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		if room := maxLine - len(l.partial); len(line) > room {
			line, after, whole = rest[:room], rest[room:], true
		}
		l.partial = append(l.partial, line...)
		if whole {
			l.flush()
		}
		rest = after
	}
	l.notify()
	return len(p), nil
}

// flush queues the partial line; l.mu is held.
func (l *lines) flush() {
	text := string(bytes.TrimSuffix(l.partial, []byte{'\r'}))
	l.partial = l.partial[:0]
	if l.closed || len(l.queue) >= maxLines {
		l.dropped++
		return
	}
	if l.dropped > 0 {
		l.queue = append(l.queue, droppedMarker(l.dropped))
		l.dropped = 0
	}
	l.queue = append(l.queue, text)
}

func droppedMarker(n int) string {
	return fmt.Sprintf("… %d lines are missing here: the connection was too slow for them", n)
}

// close ends the queue: next returns what is left and then false.
func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.partial) > 0 {
		l.flush()
	}
	if l.dropped > 0 {
		l.queue = append(l.queue, droppedMarker(l.dropped))
	}
	l.closed = true
	l.notify()
}

// next waits for a line; false at the end.
func (l *lines) next() (string, bool) {
	for {
		if line, ok, over := l.take(); ok || over {
			return line, ok
		}
		<-l.wake
	}
}

func (l *lines) take() (line string, ok, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return "", false, l.closed
	}
	line = l.queue[0]
	l.queue = l.queue[1:]
	return line, true, false
}

func (l *lines) notify() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
