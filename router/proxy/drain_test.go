package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paas"
)

// slow is an app whose requests wait until told to go on.
type slow struct {
	addr    netip.AddrPort
	arrived chan struct{}
	release chan struct{}
}

func newSlow(t *testing.T) *slow {
	s := &slow{arrived: make(chan struct{}, 100), release: make(chan struct{})}
	s.addr = serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		s.arrived <- struct{}{}
		select {
		case <-s.release:
			_, _ = io.WriteString(w, "done")
		case <-req.Context().Done():
		}
	})
	return s
}

type answer struct {
	status int
	body   string
	err    error
}

// ask sends a GET and gives its outcome later.
func (r *rig) ask(client *http.Client) <-chan answer {
	out := make(chan answer, 1)
	req := r.request(http.MethodGet, "/", nil)
	go func() {
		resp, err := client.Do(req)
		if err != nil {
			out <- answer{err: err}
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		out <- answer{resp.StatusCode, string(body), err}
	}()
	return out
}

type drained struct {
	cut int
	err error
}

func (r *rig) drain(deadline time.Duration, addrs ...netip.AddrPort) <-chan drained {
	out := make(chan drained, 1)
	go func() {
		cut, err := r.target.Drain(r.t.Context(), addrs, deadline)
		out <- drained{cut, err}
	}()
	return out
}

func TestDrainLetsRequestsInFlightFinish(t *testing.T) {
	t.Parallel()
	old := newSlow(t)
	r := start(t, Options{}, route(old.addr))
	first := r.ask(r.client())
	await(t, "the request", old.arrived)
	r.put(route(serveApp(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "new") })))
	end := r.drain(patience, old.addr)
	if _, body := r.get("/"); body != "new" {
		t.Errorf("got %q from the old", body)
	}
	select {
	case d := <-end:
		t.Errorf("drained too early: %+v", d)
	default:
	}
	close(old.release)
	if a := await(t, "the answer", first); a.body != "done" {
		t.Errorf("got %+v", a)
	}
	if d := await(t, "the drain", end); d.cut != 0 || d.err != nil {
		t.Errorf("got %+v", d)
	}
	if len(r.live.retired) != 0 {
		t.Error("the old backend is still remembered")
	}
}

func TestDrainCutsWhatIsLeftAtItsDeadline(t *testing.T) {
	t.Parallel()
	old, talk := newSlow(t), chat(t)
	r := start(t, Options{}, route(talk))
	ws := r.dial()
	r.say(ws, "hello")
	r.put(route(old.addr))
	waiting := r.ask(r.client())
	await(t, "the request", old.arrived)
	r.put(route())
	if d := await(t, "the drain", r.drain(50*time.Millisecond, old.addr, talk)); d.cut != 2 || d.err != nil {
		t.Errorf("got %+v", d)
	}
	if a := await(t, "the answer", waiting); a.status != 502 {
		t.Errorf("got %+v", a)
	}
	if _, _, err := ws.Read(t.Context()); err == nil {
		t.Error("the websocket lives")
	}
	r.line("code=H18", "status=101")
	r.line("code=H13", "status=502")
}

func TestDrainOfNothingIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	addr := serveApp(t, echo)
	r := start(t, Options{}, route(addr))
	r.get("/")
	r.put(route())
	for _, addr := range []netip.AddrPort{addr, refusing(t)} {
		if d := await(t, "the drain", r.drain(time.Hour, addr)); d.cut != 0 || d.err != nil {
			t.Errorf("got %+v", d)
		}
	}
}

func TestBackendInTheTableIsNotDrained(t *testing.T) {
	t.Parallel()
	addr := serveApp(t, echo)
	r := start(t, Options{}, route(addr))
	if d := await(t, "the drain", r.drain(0, addr)); paas.CodeOf(d.err) != paas.Conflict {
		t.Errorf("got %+v", d)
	}
}

func TestWhoWaitsForADrainMayGoAway(t *testing.T) {
	t.Parallel()
	old := newSlow(t)
	r := start(t, Options{}, route(old.addr))
	first := r.ask(r.client())
	await(t, "the request", old.arrived)
	r.put(route())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.target.Drain(ctx, []netip.AddrPort{old.addr}, 0); err == nil {
		t.Error("no error")
	}
	close(old.release)
	if a := await(t, "the answer", first); a.body != "done" {
		t.Errorf("it was cut: %+v", a)
	}
}

func TestNoRequestFailsWhileTheTableChanges(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, echo)))
	ctx, cancel := context.WithCancel(t.Context())
	var served, wrong atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		client := r.client()
		clients.Go(func() {
			for ctx.Err() == nil {
				a := <-r.ask(client)
				served.Add(1)
				if a.status != 200 || a.err != nil {
					wrong.Add(1)
					t.Errorf("got %+v", a)
				}
			}
		})
	}
	for range 10 { // each time other backends, and the old ones are drained
		old := r.live.table().Routes[0].Backends
		r.put(route(serveApp(t, echo), serveApp(t, echo)))
		if d := await(t, "the drain", r.drain(patience, old[0].Addr)); d.cut != 0 || d.err != nil {
			t.Errorf("got %+v", d)
		}
		n := served.Load()
		eventually(t, "more requests", func() bool { return served.Load() > n+20 })
	}
	cancel()
	clients.Wait()
	if wrong.Load() != 0 {
		t.Errorf("%d of %d failed", wrong.Load(), served.Load())
	}
}

func TestStoppingLetsRequestsFinishAndTakesNoNew(t *testing.T) {
	t.Parallel()
	app := newSlow(t)
	r := start(t, Options{}, route(app.addr))
	first := r.ask(r.client())
	await(t, "the request", app.arrived)
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	client := r.client()
	eventually(t, "refusal of new connections", func() bool {
		a := <-r.ask(client)
		client.CloseIdleConnections()
		return a.err != nil
	})
	close(app.release)
	if a := await(t, "the answer", first); a.body != "done" {
		t.Errorf("got %+v", a)
	}
	await(t, "the end", stopped)
}

func TestStoppingCutsWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	app := newSlow(t)
	r := start(t, Options{Timeouts: Timeouts{Drain: 100 * time.Millisecond}}, route(app.addr))
	first := r.ask(r.client())
	await(t, "the request", app.arrived)
	r.put(route(chat(t)))
	ws := r.dial()
	r.say(ws, "hello")
	r.stop()
	if a := await(t, "the answer", first); a.err == nil && a.status == 200 {
		t.Errorf("got %+v", a)
	}
	if _, _, err := ws.Read(t.Context()); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
