package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paas"
	"paas/router"
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

// underLoad sends requests from 8 clients, two of them on a connection each, while fn runs; each must succeed. fn may wait for n more of them.
func (r *rig) underLoad(fn func(more func(n int64))) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	var served atomic.Int64
	var clients sync.WaitGroup
	for i := range 8 {
		client := r.client()
		if tr, ok := client.Transport.(*http.Transport); ok && i%4 == 0 {
			tr.DisableKeepAlives = true
		}
		clients.Go(func() {
			for ctx.Err() == nil {
				if a := <-r.ask(client); a.status != 200 || a.err != nil {
					r.t.Errorf("after %d requests: got %+v", served.Load(), a)
					cancel()
				}
				served.Add(1)
			}
		})
	}
	fn(func(n int64) {
		r.t.Helper()
		n += served.Load()
		eventually(r.t, "more requests", func() bool { return served.Load() >= n || ctx.Err() != nil })
	})
	cancel()
	clients.Wait()
}

func TestNoRequestFailsWhileBackendsAreReplaced(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, echo)))
	r.underLoad(func(more func(int64)) {
		for range 10 {
			old := r.live.table().Routes[0].Backends
			app, stopped := httptest.NewServer(http.HandlerFunc(echo)), httptest.NewServer(http.HandlerFunc(echo))
			t.Cleanup(app.Close)
			r.put(route(addrOf(app.Listener), addrOf(stopped.Listener)))
			more(20)
			r.put(route(addrOf(app.Listener)))
			d := await(t, "the drain", r.drain(patience, old[0].Addr, addrOf(stopped.Listener)))
			if d.cut != 0 || d.err != nil {
				t.Errorf("got %+v", d)
			}
			stopped.CloseClientConnections() // as SIGKILL right after the drain
			stopped.Close()
			more(20)
		}
	})
}

func TestNoRequestFailsWhileManyChangeTheTable(t *testing.T) {
	t.Parallel()
	apps := []netip.AddrPort{serveApp(t, echo), serveApp(t, echo), serveApp(t, echo)}
	r := start(t, Options{}, route(apps...))
	r.underLoad(func(more func(int64)) {
		var writers sync.WaitGroup
		for i := range 10 {
			writers.Go(func() {
				for n := range 5 {
					tb := router.Table{Version: r.version.Add(1), Routes: []paas.Route{route(apps[(i+n)%3], apps[(i+n+1)%3])}}
					if _, err := r.target.Put(t.Context(), tb); err != nil && !errors.As(err, new(*router.StaleError)) {
						t.Error(err)
					}
					more(2)
				}
			})
		}
		writers.Wait()
		if live := r.live.version(); live != r.version.Load() {
			t.Errorf("version %d is live, not the newest, %d", live, r.version.Load())
		}
	})
}

func TestStoppingLetsRequestsFinishAndTakesNoNew(t *testing.T) {
	t.Parallel()
	app := newSlow(t)
	r := start(t, Options{}, route(app.addr))
	first := r.ask(r.client())
	await(t, "the request", app.arrived)
	stopped := make(chan struct{})
	go func() { r.stop(); close(stopped) }()
	eventually(t, "refusal of new connections", func() bool {
		c, err := net.Dial("tcp", r.Addr().String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
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
