package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"paas/web/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test: only a failure takes as long.
const patience = 20 * time.Second

// bench is an API on a unix socket and a TCP port, with the fake behind it.
type bench struct {
	*fake
	server *Server
	unix   string
	tcp    string // host:port
	log    *record
}

func start(t *testing.T) *bench {
	t.Helper()
	b := &bench{fake: newFake(), log: &record{}}
	b.server = NewServer(b.services(), Options{Version: "v1.2.3", Log: b.log.logger(), Grace: time.Second})
	b.unix = filepath.Join(t.TempDir(), "paasd.sock")
	unix, err := ListenUnix(b.unix)
	if err != nil {
		t.Fatal(err)
	}
	tcp := listen(t)
	b.tcp = tcp.Addr().String()
	serve(t, func(ctx context.Context) error { return b.server.ServeUnix(ctx, unix) })
	serve(t, func(ctx context.Context) error { return b.server.ServeTCP(ctx, tcp) })
	return b
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serve runs f until the test ends.
func serve(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// local is a client over the unix socket.
func (b *bench) local(t *testing.T) *client.Client {
	t.Helper()
	return connect(t, client.Options{URL: "unix://" + b.unix})
}

func connect(t *testing.T, opts client.Options) *client.Client {
	t.Helper()
	c, err := client.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// raw is an HTTP client over the unix socket, for what the Go client would never send.
func (b *bench) raw(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", b.unix)
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// deadline is a context for one test.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// await receives from ch, or fails.
func await[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("timed out waiting for " + what)
		panic("unreachable")
	}
}

// record keeps log output.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
