package web

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// inbox is the stdin of an attached run on its way from the client to the process: bounded, never blocking the side
// that puts. One goroutine puts, one reads.
type inbox struct {
	ctx      context.Context
	limit    int
	consumed func(n int) // called by Read, so that the client may send as much again

	mu     sync.Mutex
	data   bytes.Buffer
	ended  bool
	unsaid int // consumed and not yet told
	wake   chan struct{}
}

func newInbox(ctx context.Context, limit int, consumed func(int)) *inbox {
	return &inbox{ctx: ctx, limit: limit, consumed: consumed, wake: make(chan struct{}, 1)}
}

// put adds what the client sent; more than the window allows is an error.
func (b *inbox) put(p []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.data.Len()+len(p) > b.limit {
		return errProtocol
	}
	b.data.Write(p)
	b.notify()
	return nil
}

// end is the end of the input.
func (b *inbox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.notify()
}

func (b *inbox) notify() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Read waits for input, its end, or the client's.
func (b *inbox) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, tell, ended := b.take(p)
		if tell > 0 {
			b.consumed(tell)
		}
		switch {
		case n > 0:
			return n, nil
		case ended:
			return 0, io.EOF
		}
		select {
		case <-b.wake:
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
	}
}

// take moves bytes to p, and says how many consumed ones it is time to tell the client of.
func (b *inbox) take(p []byte) (n, tell int, ended bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, _ = b.data.Read(p) // its only error is io.EOF, which n == 0 says
	b.unsaid += n
	if b.unsaid >= b.limit/4 || b.data.Len() == 0 {
		tell, b.unsaid = b.unsaid, 0
	}
	return n, tell, b.ended && b.data.Len() == 0 && n == 0
}
