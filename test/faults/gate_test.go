package faults

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"paas/test/report"
)

// gate stands between paasd and its router, and notes when the router has confirmed what.
type gate struct {
	mu     sync.Mutex
	pause  time.Duration // before a confirmation is let through
	tables []confirmation
}

// confirmation of a routing table, before paasd learned of it.
type confirmation struct {
	table string
	at    time.Time
}

// openGate takes the place of the router's control socket, which paasd opens anew for every call.
func openGate(p *report.Proof) *gate {
	p.Helper()
	socket := filepath.Join(p.DataDir(), "router", "router.sock")
	behind := socket + ".behind"
	p.OK(os.Rename(socket, behind))
	listener, err := new(net.ListenConfig).Listen(p.Context(), "unix", socket)
	p.OK(err)
	g := &gate{}
	proxy := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "router" },
		FlushInterval:  -1,
		ModifyResponse: g.note,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", behind)
		}},
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.pass(proxy, w, r)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // until it is closed
	}()
	p.Cleanup(func() {
		p.OK(server.Close())
		<-done
		p.OK(os.Rename(behind, socket))
	})
	return g
}

func (g *gate) pass(proxy http.Handler, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut {
		proxy.ServeHTTP(w, r)
		return
	}
	table, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(table))
	g.mu.Lock()
	pause := g.pause
	g.mu.Unlock()
	<-time.After(pause)
	proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tableKey{}, string(table))))
}

type tableKey struct{}

// note is called with the router's answer before it is handed on.
func (g *gate) note(resp *http.Response) error {
	if table, ok := resp.Request.Context().Value(tableKey{}).(string); ok && resp.StatusCode == http.StatusOK {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.tables = append(g.tables, confirmation{table, time.Now()})
	}
	return nil
}

// hold lets routing tables through only after that time.
func (g *gate) hold(pause time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pause = pause
}

// gone is when the first table without the address was confirmed since then; zero for not yet.
func (g *gate) gone(address string, since time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.tables {
		if c.at.After(since) && !strings.Contains(c.table, `"`+address+`"`) {
			return c.at
		}
	}
	return time.Time{}
}
