package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"paas"
	"paas/router"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test; none takes this long unless something is wrong.
const patience = 20 * time.Second

// rig is a running router, its control client and its request log.
type rig struct {
	*Server
	t       *testing.T
	target  *router.Embedded
	version atomic.Uint64
	stop    func()

	mu    sync.Mutex
	lines []router.LogEvent
}

// start runs a router with the routes live.
func start(t *testing.T, opts Options, routes ...paas.Route) *rig {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = shortDir(t)
	}
	opts.HTTPAddr = "127.0.0.1:0"
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Server: s, t: t, target: router.NewEmbedded(opts.Dir)}
	r.version.Store(s.live.version())
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	eventually(t, "control of it", func() bool { // not of the one that it takes over from
		h, err := r.target.Health(ctx)
		return err == nil && h.Name == opts.Name || ctx.Err() != nil
	})
	reading := make(chan struct{})
	all.Go(func() { r.follow(ctx, sync.OnceFunc(func() { close(reading) })) })
	r.stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(r.stop)
	await(t, "the log", reading) // a reader that a test starts takes over from it, never it from that one
	if len(routes) > 0 {
		r.put(routes...)
	}
	return r
}

// shortDir is a directory whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "router")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// follow collects the log until the router ends or another reader takes over.
func (r *rig) follow(ctx context.Context, reading func()) {
	defer reading()
	_ = r.target.Log(ctx, func(ev router.LogEvent) error {
		reading()
		r.mu.Lock()
		defer r.mu.Unlock()
		if ev.App != "" {
			r.lines = append(r.lines, ev)
		}
		return nil
	})
}

func (r *rig) put(routes ...paas.Route) {
	r.t.Helper()
	if _, err := r.target.Put(r.t.Context(), router.Table{Version: r.version.Add(1), Routes: routes}); err != nil {
		r.t.Fatal(err)
	}
}

// line waits for the first line that holds all of the parts.
func (r *rig) line(parts ...string) string {
	r.t.Helper()
	var found string
	eventually(r.t, fmt.Sprintf("a log line with %q", parts), func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, ev := range r.lines {
			if containsAll(ev.Text, parts) {
				found = ev.Text
				return true
			}
		}
		return false
	})
	return found
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// eventually waits for a condition, looking every few milliseconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("no %s", what)
		}
	}
}

// await fails the test when ch is not closed, or gives nothing, in time.
func await[T any](t *testing.T, what string, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

// route is one of the app "a" at a.localhost.
func route(backends ...netip.AddrPort) paas.Route {
	r := paas.Route{App: "a", Name: "a", Hosts: []string{"a.localhost"}}
	for i, addr := range backends {
		r.Backends = append(r.Backends, paas.Backend{Instance: fmt.Sprintf("web.%d", i+1), Addr: addr})
	}
	return r
}

// serveApp is a backend that net/http serves.
func serveApp(t *testing.T, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return addrOf(s.Listener)
}

func addrOf(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

// serveRaw is a backend that handles each connection as the test says; the nth, from 0.
func serveRaw(t *testing.T, handle func(n int, c net.Conn, br *bufio.Reader)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	all.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				handle(n, c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return addrOf(l)
}

// readHead reads a request up to its empty line.
func readHead(br *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := br.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String(), err
		}
	}
}

// refusing is an address where nothing listens, and nothing else gets to before the test has ended.
func refusing(t *testing.T) netip.AddrPort {
	t.Helper()
	addr, _ := refusingUntil(t)
	return addr
}

// refusingUntil is one until it is set free.
func refusingUntil(t *testing.T) (addr netip.AddrPort, free func()) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	free = sync.OnceFunc(func() { _ = unix.Close(fd) })
	t.Cleanup(free)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil { // and does not listen
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	inet, ok := bound.(*unix.SockaddrInet4)
	if !ok {
		t.Fatalf("got %T", bound)
	}
	return netip.AddrPortFrom(netip.AddrFrom4(inet.Addr), uint16(inet.Port)), free
}

// client speaks to the router as one with its own connections.
func (r *rig) client() *http.Client {
	tr := &http.Transport{DisableCompression: true}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (r *rig) request(method, path string, body io.Reader) *http.Request {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.Addr().String()+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Host = "a.localhost"
	return req
}

// do sends req and reads the whole answer.
func (r *rig) do(c *http.Client, req *http.Request) (*http.Response, string) {
	r.t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp, string(body)
}

func (r *rig) get(path string) (*http.Response, string) {
	r.t.Helper()
	return r.do(r.client(), r.request(http.MethodGet, path, nil))
}

// raw opens a connection to the router and sends text on it.
func (r *rig) raw(text string) (net.Conn, *bufio.Reader) {
	r.t.Helper()
	c, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		r.t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// rawAnswer sends text and returns all that comes back until the router closes.
func (r *rig) rawAnswer(text string) string {
	r.t.Helper()
	_, br := r.raw(text)
	answer, err := io.ReadAll(br)
	if err != nil && len(answer) == 0 {
		r.t.Fatal(err)
	}
	return string(answer)
}

func readResponse(t *testing.T, br *bufio.Reader) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// testTime is a modification time like any other.
var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
