package proxy

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"paas"
	"paas/router"
)

// next starts a router that takes over from r.
func (r *rig) next(name string) *rig {
	r.t.Helper()
	opts := r.opts
	opts.Name = name
	next := start(r.t, opts)
	next.version.Store(r.version.Load())
	return next
}

func TestTakeoverFailsNoRequest(t *testing.T) {
	t.Parallel()
	app := serveApp(t, echo)
	r := start(t, Options{}, route(app))
	r.underLoad(func(more func(int64)) {
		for _, name := range []string{"second", "third", "fourth"} {
			more(20)
			next := r.next(name)
			more(20) // of both
			r.stop()
			more(20)
			next.put(route(serveApp(t, echo), app))
			r = next
		}
	})
	if v := r.live.version(); v != r.version.Load() {
		t.Errorf("version %d is live, not %d", v, r.version.Load())
	}
	for _, left := range glob(t, r.opts.Dir, "retired-*") {
		t.Errorf("%s is left behind", left)
	}
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTakeoverHasTheTableAndAllThatIsInFlight(t *testing.T) {
	t.Parallel()
	old := newSlow(t)
	r := start(t, Options{}, route(old.addr)) // a table that is not on disk
	first := r.ask(r.client())
	await(t, "the request", old.arrived)
	r2 := r.next("second")
	if v := r2.live.version(); v != 1 {
		t.Errorf("version %d is live in the new", v)
	}
	second := r2.ask(r2.client())
	await(t, "a request to the new", old.arrived)
	r2.put(route(serveApp(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "new") })))
	eventually(t, "the table at the old", func() bool { return r.live.version() == 2 })
	end := r2.drain(patience, old.addr)
	if _, body := r2.get("/"); body != "new" {
		t.Errorf("got %q", body)
	}
	old.release <- struct{}{}
	old.release <- struct{}{}
	for _, answers := range []<-chan answer{first, second} {
		if a := await(t, "the answer", answers); a.body != "done" {
			t.Errorf("got %+v", a)
		}
	}
	if d := await(t, "the drain", end); d.cut != 0 || d.err != nil {
		t.Errorf("got %+v", d)
	}
	r2.line("instance=web.1", "status=200", "bytes=4") // one of them is the old one's
	eventually(t, "both lines", func() bool {
		r2.mu.Lock()
		defer r2.mu.Unlock()
		n := 0
		for _, ev := range r2.lines {
			if containsAll(ev.Text, []string{"bytes=4"}) {
				n++
			}
		}
		return n == 2
	})
}

func TestDrainIsOfThePredecessorToo(t *testing.T) {
	t.Parallel()
	old := newSlow(t)
	r := start(t, Options{}, route(old.addr))
	first := r.ask(r.client())
	await(t, "the request", old.arrived)
	r2 := r.next("second")
	r2.put(route())
	if d := await(t, "the drain", r2.drain(50*time.Millisecond, old.addr)); d.cut != 1 || d.err != nil {
		t.Errorf("got %+v", d)
	}
	if a := await(t, "the answer", first); a.status != 502 {
		t.Errorf("got %+v", a)
	}
}

func TestDrainUnderWayGoesOnAtTheSuccessor(t *testing.T) {
	t.Parallel()
	old := newSlow(t)
	r := start(t, Options{}, route(old.addr))
	first := r.ask(r.client())
	await(t, "the request", old.arrived)
	r.put(route())
	end := r.drain(patience, old.addr)
	r.next("second")
	again := end
	select {
	case d := <-end:
		if paas.CodeOf(d.err) != paas.Unavailable {
			t.Errorf("got %+v, so nobody asks the new one", d)
		}
		again = r.drain(patience, old.addr)
	case <-time.After(time.Second): // it came so late that it is the new one's
	}
	close(old.release)
	if a := await(t, "the answer", first); a.body != "done" {
		t.Errorf("got %+v", a)
	}
	if d := await(t, "the drain", again); d.cut != 0 || d.err != nil {
		t.Errorf("got %+v", d)
	}
}

func TestSuccessorThatEndsGivesTheDoorsBack(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Drain: 100 * time.Millisecond}}, route(serveApp(t, echo)))
	saveTable(t, r)
	_, idle := r.raw("GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
	if resp, err := http.ReadResponse(idle, nil); err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v, %v", resp, err)
	}
	r.underLoad(func(more func(int64)) {
		for _, name := range []string{"second", "third"} {
			r2 := r.next(name)
			more(50)
			r2.stop()
			eventually(t, "control of the first", func() bool {
				h, err := r.target.Health(t.Context())
				return err == nil && h.Name == ""
			})
			more(50)
		}
		again := r.next("fourth") // while the first is still letting its connections go, or has
		more(50)
		again.stop()
		more(50)
	})
	if v := r.live.version(); v != 1 {
		t.Errorf("version %d is live", v)
	}
}

// saveTable puts r's table on disk, as paasd would have.
func saveTable(t *testing.T, r *rig) {
	t.Helper()
	_, text := r.control(http.MethodGet, "/table", "")
	if err := os.WriteFile(filepath.Join(r.opts.Dir, "table.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCandidateThatEndsInTheMiddleChangesNothing(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, echo)))
	path := filepath.Join(r.opts.Dir, handoverFile)
	for said, text := range map[string]string{"nothing": "", "nonsense": "x", "to give control": string(giveControl), "to give control, and nonsense": string(giveControl) + "x"} {
		var conn *net.UnixConn
		eventually(t, "the socket for successors", func() (ok bool) {
			var err error
			conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
			return err == nil
		})
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, files, err := receiveFiles(conn); err != nil || len(files) != 3 {
			t.Fatalf("%s: %d files, %v", said, len(files), err)
		} else {
			for _, f := range files {
				_ = f.Close()
			}
		}
		if _, err := io.WriteString(conn, text); err != nil {
			t.Error(err)
		}
		if len(text) > 0 && text[0] == giveControl {
			if !hears(conn, done) {
				t.Errorf("%s: control is not given", said)
			}
		}
		_ = conn.Close()
		eventually(t, "control after a candidate that said "+said, func() bool {
			_, err := r.target.Health(t.Context())
			return err == nil
		})
		r.put(route(serveApp(t, echo)))
		if resp, _ := r.get("/"); resp.StatusCode != 200 {
			t.Errorf("%s: got %d", said, resp.StatusCode)
		}
	}
	r.next("second")
}

func TestSuccessorMayListenElsewhere(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, echo)))
	opts := r.opts
	opts.Name = "second"
	opts.HTTPAddr = "localhost:0"
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if s.Addr().String() == r.Addr().String() {
		t.Errorf("it listens on %s", s.Addr())
	}
	s.before.Load().leave()
	if err := s.doors.close(); err != nil {
		t.Error(err)
	}
	if resp, _ := r.get("/"); resp.StatusCode != 200 {
		t.Errorf("got %d", resp.StatusCode)
	}
	if _, err := router.NewEmbedded(r.opts.Dir).Health(t.Context()); err != nil {
		t.Error(err)
	}
}
