package router_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"paas"
	"paas/router"
	"paas/router/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "router") // short enough for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// startRouter runs the real router on dir until stop or the test's end.
func startRouter(t *testing.T, dir string) (addr net.Addr, stop func()) {
	t.Helper()
	s, err := proxy.New(proxy.Options{Dir: dir, HTTPAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	stop = background(t, s.Run)
	return s.Addr(), stop
}

// background runs fn until stop, which waits for it, or the test's end.
func background(t testing.TB, fn func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- fn(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func newController(t *testing.T, dir string, target router.Target, opts router.Options) *router.Controller {
	t.Helper()
	c, err := router.NewController(dir, target, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func route(app, down string) paas.Route {
	return paas.Route{App: app, Name: app, Hosts: []string{app + ".localhost"}, Down: down}
}

// code asks the router for an app's page and returns the H-code; "200" and "404" stand for themselves.
func code(t *testing.T, addr net.Addr, app string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr.String()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host, req.Close = app+".localhost", true
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if h := resp.Header.Get("X-Paas-Error"); h != "" {
		return h
	}
	return fmt.Sprint(resp.StatusCode)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no %s", what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fake is a target whose Put is the test's.
type fake struct {
	router.None
	put      func(router.Table) error
	problems []router.Problem // that it has with every table
}

func (f *fake) Put(_ context.Context, t router.Table) ([]router.Problem, error) {
	return f.problems, f.put(t)
}
