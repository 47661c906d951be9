package web

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// peer answers pings until it falls silent.
type peer struct {
	answers int
	closed  chan struct{}
}

func (p *peer) SendRequest(string, bool, []byte) (bool, []byte, error) {
	if p.answers--; p.answers >= 0 {
		return false, nil, nil
	}
	<-p.closed
	return false, nil, io.EOF
}

func (p *peer) Close() error {
	close(p.closed)
	return nil
}

func TestAClientThatFallsSilentIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		keepAlive(t.Context(), &peer{answers: 100, closed: make(chan struct{})}, time.Minute)
		if d := time.Since(start); d != 102*time.Minute {
			t.Errorf("given up after %v", d)
		}
	})
}

func TestPingsEndWithTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		p := &peer{answers: 1000, closed: make(chan struct{})}
		keepAlive(ctx, p, time.Minute)
		select {
		case <-p.closed:
			t.Error("a live connection was closed")
		default:
		}
	})
}
