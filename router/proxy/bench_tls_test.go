package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"paas"
	"paas/router"
)

// BenchmarkTLSRatio compares requests over TLS with the same ones without, on one router, 32 keep-alive clients each, in
// interleaved rounds: requests per second relative to those without (x-plain). The client's own part is in it.
func BenchmarkTLSRatio(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			body := strings.Repeat("x", size)
			backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				_, _ = io.WriteString(w, body)
			}))
			defer backend.Close()
			s, config := benchTLS(b, backend)
			plain := &contender{addr: s.Addr()}
			secure := &contender{addr: s.SecureAddr(), client: &http.Client{Transport: overTLS{&http.Transport{MaxIdleConnsPerHost: clients, TLSClientConfig: config}}}}
			for b.Loop() {
				plain.round(b, size)
				secure.round(b, size)
			}
			b.ReportMetric(plain.wall.Seconds()/secure.wall.Seconds(), "x-plain")
			plain.client.CloseIdleConnections()
			secure.client.CloseIdleConnections()
		})
	}
}

// BenchmarkHandshake makes connections, 8 at a time, beside a bare crypto/tls server in interleaved rounds: handshakes per
// second, and relative to the bare one's (x-bare). With resumed ones the client has a ticket.
func BenchmarkHandshake(b *testing.B) {
	backend := httptest.NewServer(http.NotFoundHandler())
	defer backend.Close()
	s, config := benchTLS(b, backend)
	bare := benchBareTLS(b, s)
	for _, resumed := range []bool{false, true} {
		b.Run(fmt.Sprintf("resumed=%v", resumed), func(b *testing.B) {
			config := config.Clone()
			if resumed {
				config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
			}
			var ours, others time.Duration
			n := 0
			for b.Loop() {
				ours += handshakes(b, s.SecureAddr(), config)
				others += handshakes(b, bare, config)
				n += 8 * perClient
			}
			b.ReportMetric(float64(n)/ours.Seconds(), "handshakes/s")
			b.ReportMetric(others.Seconds()/ours.Seconds(), "x-bare")
		})
	}
}

// perClient is how many handshakes each of 8 clients makes in a round.
const perClient = 10

func handshakes(b *testing.B, addr net.Addr, config *tls.Config) time.Duration {
	start := time.Now()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range perClient {
				c, err := tls.Dial("tcp", addr.String(), config)
				if err != nil {
					b.Error(err)
					return
				}
				// A ticket comes with the first bytes of an answer, which here is the router's own.
				if _, err := io.WriteString(c, "GET / HTTP/1.0\r\nHost: nobody.localhost\r\n\r\n"); err == nil {
					_, _ = c.Read(make([]byte, 1))
				}
				_ = c.Close()
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// benchTLS is a router that takes TLS at bench.localhost, and what a client needs for that.
func benchTLS(b *testing.B, backend *httptest.Server) (*Server, *tls.Config) {
	own := newOwnCert(b, time.Hour, "bench.localhost")
	dir := b.TempDir()
	name, err := router.FilesIn(dir).Put(own.text)
	if err != nil {
		b.Fatal(err)
	}
	opts := Options{Dir: dir, HTTPAddr: "127.0.0.1:0", HTTPSAddr: "127.0.0.1:0"}
	opts.Certs.Dir = b.TempDir()
	s, err := New(opts)
	if err != nil {
		b.Fatal(err)
	}
	s.live.swap(router.Table{Version: 1, Routes: []paas.Route{{
		App: "bench", Hosts: []string{"bench.localhost"}, Certificates: []string{name},
		Backends: []paas.Backend{{Instance: "web.1", Addr: backend.Listener.Addr().(*net.TCPAddr).AddrPort()}},
	}}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	return s, &tls.Config{RootCAs: own.pool, ServerName: "bench.localhost"}
}

// benchBareTLS answers with the same certificate, and nothing else of the router.
func benchBareTLS(b *testing.B, s *Server) net.Addr {
	var certs []tls.Certificate
	for _, c := range s.live.certs {
		certs = append(certs, *c)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certs, MinVersion: tls.VersionTLS12})
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() { _ = server.Close() })
	return l.Addr()
}
