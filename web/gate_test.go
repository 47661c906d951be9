package web

import (
	"errors"
	"io"
	"net"
	"testing"
)

func TestTooManyConnectionsAreTurnedAway(t *testing.T) {
	g := newGate(2, 2)
	first, second := g.enter(pipeEnd(t), patience), g.enter(pipeEnd(t), patience)
	first.known()
	second.known()
	if g.enter(pipeEnd(t), patience) != nil {
		t.Fatal("two connections are the limit")
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if g.enter(pipeEnd(t), patience) == nil {
		t.Error("no room after one has left")
	}
	g.closeAll()
	if len(g.conns) != 0 || len(g.strangers) != 0 {
		t.Errorf("%d connections, %d strangers are left", len(g.conns), len(g.strangers))
	}
}

func TestStrangersMakeRoomForNewOnes(t *testing.T) {
	g := newGate(10, 2)
	ends := []*gatedConn{g.enter(pipeEnd(t), patience), g.enter(pipeEnd(t), patience), g.enter(pipeEnd(t), patience)}
	if _, err := ends[0].Write(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the oldest is still there: %v", err)
	}
	if len(g.strangers) != 2 || len(g.conns) != 2 {
		t.Errorf("%d connections, %d strangers", len(g.conns), len(g.strangers))
	}
	g.closeAll()
}

func pipeEnd(t *testing.T) net.Conn {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return a
}

func TestAStrangerIsCutOffInTime(t *testing.T) {
	g := newGate(1, 1)
	a, c := net.Pipe()
	defer c.Close()
	g.enter(a, 1)
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c)
		done <- err
	}()
	if err := await(t, "the end of the connection", done); err != nil {
		t.Error(err)
	}
}
