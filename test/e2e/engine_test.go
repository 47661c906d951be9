package e2e

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
)

// The Docker engine away: a clear answer in about a second, the app goes on, and all is well once it is back.
func engineAway(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "docker.sock")
	gate := newGate(t, socket)
	p := platform.Start(t, platform.Options{Env: []string{"DOCKER_HOST=unix://" + socket}, Troubled: true})
	app := p.App(t, platform.Fixture{})
	app.Push()

	gate.close()
	for _, args := range [][]string{{"paas", "scale", "web=2"}, {"paas", "restart"}, {"paas", "run", "/probe", "who"}, {"paas", "ps"}} {
		began := time.Now()
		app.Run(args...).Want(7).Says("the Docker engine does not answer", "try: systemctl status docker")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q is told after %s", args, took)
		}
	}
	app.Commit("Second")
	if r := app.Run("git", "push", "paas", "main"); r.Code == 0 || !strings.Contains(r.Stderr, "the Docker engine does not answer") {
		t.Errorf("a push without an engine\n%s", r)
	}
	over := api(t, p, app.Name)
	if err := over.Want(http.StatusServiceUnavailable, "unavailable", "the Docker engine does not answer"); err != nil {
		t.Error(err)
	}
	app.Get("/").Must(t, 200, "web.1 v1")
	app.Do("paas", "config")
	app.Do("paas", "releases")

	gate.open(t)
	platform.WaitFor(t, 30*time.Second, "paasd to find the engine again", func() error {
		if r := app.Run("paas", "scale", "web=2"); r.Code != 0 {
			return errors.New(r.String())
		}
		return nil
	})
	app.Push().Says("is live")
	app.Get("/").Must(t, 200, " v")
	app.Do("paas", "ps").Says("web.1\tup", "web.2\tup")
}

// api asks for an app's processes over HTTP, with a token.
func api(t *testing.T, p *platform.Platform, app string) platform.Answer {
	t.Helper()
	token := strings.TrimSpace(p.Do(t, "paas", "tokens:create", "e2e").Stdout)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.APIURL()+"/v1/apps/"+app+"/instances", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return p.Send(req)
}

// gate is a unix socket in front of the Docker engine's, which can be shut.
type gate struct {
	path string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	serving  sync.WaitGroup
}

func newGate(t *testing.T, path string) *gate {
	t.Helper()
	g := &gate{path: path, conns: map[net.Conn]bool{}}
	g.open(t)
	t.Cleanup(func() {
		g.close()
		g.serving.Wait()
	})
	return g
}

func (g *gate) open(t *testing.T) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", g.path)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.listener = l
	g.mu.Unlock()
	g.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			g.serving.Go(func() { g.relay(conn) })
		}
	})
}

// close refuses new connections and cuts those that there are.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.listener.Close() // a second time at the end of the test
	for conn := range g.conns {
		_ = conn.Close() // to be cut
	}
}

func (g *gate) relay(conn net.Conn) {
	engine := strings.TrimPrefix(cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock"), "unix://")
	upstream, err := new(net.Dialer).DialContext(context.Background(), "unix", engine)
	if err != nil {
		_ = conn.Close() // which is how paasd learns of it
		return
	}
	g.mu.Lock()
	g.conns[conn], g.conns[upstream] = true, true
	g.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { pipe(upstream, conn) })
	pipe(conn, upstream)
	both.Wait()
	g.mu.Lock()
	delete(g.conns, conn)
	delete(g.conns, upstream)
	g.mu.Unlock()
	_, _ = conn.Close(), upstream.Close()
}

// pipe copies one way and hands on the end of it.
func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from) // either side may be cut
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // as above
	}
}
