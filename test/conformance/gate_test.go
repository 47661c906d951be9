package conformance

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// gate stands between paasd and the Docker engine. Once cut, it refuses what would need a network: pulls, and questions
// to registries.
type gate struct {
	listener net.Listener

	mu     sync.Mutex
	closed bool
	asked  []string
}

func openGate(t *testing.T) *gate {
	t.Helper()
	dir, err := os.MkdirTemp("", "gate") // t.TempDir is too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, "engine.sock"))
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: listener}
	server := &http.Server{Handler: g.handler(t)} //nolint:gosec // its only client is paasd
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		<-done
		os.RemoveAll(dir)
	})
	return g
}

func (g *gate) url() string { return "unix://" + g.listener.Addr().String() }

func (g *gate) handler(t *testing.T) http.Handler {
	t.Helper()
	target, err := url.Parse(engineURL())
	if err != nil {
		t.Fatal(err)
	}
	address := target.Host
	if target.Scheme == "unix" {
		address = target.Path
	} else {
		target.Scheme = "tcp"
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Transport:     &http.Transport{Dial: func(string, string) (net.Conn, error) { return net.Dial(target.Scheme, address) }}, //nolint:staticcheck // no context to hand on
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.refuse(r) {
			http.Error(w, `{"message":"network is unreachable"}`, http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// engineURL is where the machine's engine listens.
func engineURL() string {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return host
	}
	return "unix:///var/run/docker.sock"
}

func (g *gate) refuse(r *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	needs := strings.Contains(r.URL.Path, "/images/create") || strings.Contains(r.URL.Path, "/distribution/") ||
		strings.HasSuffix(r.URL.Path, "/build") || strings.HasSuffix(r.URL.Path, "/auth")
	if !g.closed || !needs {
		return false
	}
	g.asked = append(g.asked, r.Method+" "+r.URL.Path)
	return true
}

func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// refused are the requests that were refused.
func (g *gate) refused() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}
