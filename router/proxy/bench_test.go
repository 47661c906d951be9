package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"paas"
	"paas/router"
)

// BenchmarkRatio compares the router with a bare httputil.ReverseProxy over http.Transport: the same backend, the same
// 32 keep-alive clients, rounds of both (and of the backend alone) interleaved, so that whatever else the machine does
// hits all alike. It reports requests per second relative to the bare one's (x-bare), and the processor time that the
// proxy itself takes, client's and backend's taken off, relative to the bare one's (cpu-bare; less is better).
func BenchmarkRatio(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			body := strings.Repeat("x", size)
			backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", strconv.Itoa(len(body)))
				_, _ = io.WriteString(w, body)
			}))
			defer backend.Close()
			ours := &contender{addr: benchRouter(b, backend)}
			bare := &contender{addr: benchReverseProxy(b, backend)}
			none := &contender{addr: backend.Listener.Addr()}
			for b.Loop() {
				for _, c := range []*contender{ours, bare, none} {
					c.round(b, size)
				}
			}
			b.ReportMetric(bare.wall.Seconds()/ours.wall.Seconds(), "x-bare")
			b.ReportMetric((ours.cpu-none.cpu).Seconds()/(bare.cpu-none.cpu).Seconds(), "cpu-bare")
			b.ReportMetric(none.wall.Seconds()/ours.wall.Seconds(), "x-backend")
			for _, c := range []*contender{ours, bare, none} {
				c.client.CloseIdleConnections()
			}
		})
	}
}

// contender is one of those compared, and the time that its rounds took.
type contender struct {
	addr      net.Addr
	client    *http.Client
	wall, cpu time.Duration
}

const (
	clients  = 32
	requests = 20 // of each client in a round
)

func (c *contender) round(b *testing.B, size int) {
	if c.client == nil {
		c.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	}
	start, cpu := time.Now(), cpuTime(b)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range requests {
				get(b, c.client, c.addr, size)
			}
		})
	}
	all.Wait()
	c.wall += time.Since(start)
	c.cpu += cpuTime(b) - cpu
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSwap is a change of one app's route in a table of 1,000 apps with two instances each.
func BenchmarkSwap(b *testing.B) {
	t := router.Table{}
	for i := range 1000 {
		name := fmt.Sprintf("app%d", i)
		r := paas.Route{App: name, Hosts: []string{name + ".localhost", name + ".example.com"}}
		for j := range 2 {
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i / 250), byte(i % 250), byte(j)}), 5000)
			r.Backends = append(r.Backends, paas.Backend{Instance: fmt.Sprintf("web.%d", j+1), Addr: addr})
		}
		t.Routes = append(t.Routes, r)
	}
	l := newLive(Timeouts{}.withDefaults(), router.FilesIn(b.TempDir()))
	b.ReportAllocs()
	for b.Loop() {
		t.Version++
		t.Routes[0].Backends[0].Release++
		if problems := l.swap(t); len(problems) > 0 {
			b.Fatal(problems)
		}
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
