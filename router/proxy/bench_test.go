package proxy

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"paas"
	"paas/router"
)

// BenchmarkProxy compares the router with a bare httputil.ReverseProxy over http.Transport in one run: the same
// backend, clients and machine. 32 keep-alive clients, as DESIGN's measurements.
func BenchmarkProxy(b *testing.B) {
	for _, size := range []struct {
		name string
		body string
	}{{"1KB", strings.Repeat("x", 1<<10)}, {"100KB", strings.Repeat("x", 100<<10)}} {
		backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, size.body)
		}))
		b.Run("ours/"+size.name, func(b *testing.B) { load(b, benchRouter(b, backend), len(size.body)) })
		b.Run("reverseproxy/"+size.name, func(b *testing.B) { load(b, benchReverseProxy(b, backend), len(size.body)) })
		b.Run("none/"+size.name, func(b *testing.B) { load(b, backend.Listener.Addr(), len(size.body)) })
		backend.Close()
	}
}

func benchRouter(b *testing.B, backend *httptest.Server) net.Addr {
	s, err := New(Options{Dir: b.TempDir(), HTTPAddr: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	s.live.swap(router.Table{Version: 1, Routes: []paas.Route{{
		App: "bench", Hosts: []string{"bench.localhost"},
		Backends: []paas.Backend{{Instance: "web.1", Addr: backend.Listener.Addr().(*net.TCPAddr).AddrPort()}},
	}}})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return s.Addr()
}

func benchReverseProxy(b *testing.B, backend *httptest.Server) net.Addr {
	u, err := url.Parse(backend.URL)
	if err != nil {
		b.Fatal(err)
	}
	rp := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u); r.SetXForwarded() },
		Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}
	s := httptest.NewServer(rp)
	b.Cleanup(s.Close)
	return s.Listener.Addr()
}

func load(b *testing.B, addr net.Addr, size int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	b.SetParallelism(16) // x GOMAXPROCS: 32 clients on the two cores that DESIGN measures on
	b.ReportAllocs()
	b.SetBytes(int64(size))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			get(b, client, addr, size)
		}
	})
}

func get(b *testing.B, client *http.Client, addr net.Addr, size int) {
	req, err := http.NewRequest(http.MethodGet, "http://"+addr.String()+"/", nil)
	if err != nil {
		b.Error(err)
		return
	}
	req.Host = "bench.localhost"
	resp, err := client.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || int(n) != size || resp.StatusCode != http.StatusOK {
		b.Errorf("status %d, %d bytes: %v", resp.StatusCode, n, err)
	}
}
