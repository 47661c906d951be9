package proxy

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"paas"
)

func TestHostsAreMatchedWithoutCasePortAndDot(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.WriteString(w, req.Host)
	})))
	for _, host := range []string{"a.localhost", "A.LocalHost", "a.localhost:8080", "a.localhost.", "a.localhost.:80"} {
		req := r.request(http.MethodGet, "/", nil)
		req.Host = host
		if resp, body := r.do(r.client(), req); resp.StatusCode != 200 || body != host {
			t.Errorf("%s: %d, the app saw %q", host, resp.StatusCode, body)
		}
	}
}

func TestUnknownHostIsNobodys(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(http.ResponseWriter, *http.Request) { t.Error("reached an app") })))
	for _, host := range []string{"b.localhost", "localhost", "x.a.localhost", "a.localhost..", "[::1]:80", "127.0.0.1", "a.localhost:http", "\u212A.localhost"} {
		answer := r.rawAnswer("GET / HTTP/1.1\r\nConnection: close\r\nHost: " + host + "\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 404") && !strings.HasPrefix(answer, "HTTP/1.1 400") || strings.Contains(answer, "X-Paas-Error") {
			t.Errorf("%s: %s", host, answer)
		}
	}
	if answer := r.rawAnswer("GET / HTTP/1.0\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.0 404") {
		t.Errorf("no host: %s", answer)
	}
}

func TestAllBackendsServeAndNoCookieIsSet(t *testing.T) {
	t.Parallel()
	var served [4]atomic.Int32
	r := start(t, Options{})
	rt := route()
	for i := range served {
		addr := serveApp(t, func(http.ResponseWriter, *http.Request) { served[i].Add(1) })
		rt.Backends = append(rt.Backends, paas.Backend{Instance: fmt.Sprintf("web.%d", i+1), Addr: addr})
	}
	r.put(rt)
	client := r.client()
	for range 200 {
		req := r.request(http.MethodGet, "/", nil)
		req.AddCookie(&http.Cookie{Name: "session", Value: "x"})
		if resp, _ := r.do(client, req); resp.StatusCode != 200 || len(resp.Cookies()) != 0 {
			t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
		}
	}
	for i := range served {
		if served[i].Load() == 0 {
			t.Errorf("web.%d served nothing", i+1)
		}
	}
}

func TestBusyBackendsGetLess(t *testing.T) {
	t.Parallel()
	busy, free := &backend{}, &backend{}
	busy.inflight.Store(5)
	for range 100 {
		if pick([]*backend{busy, free}, nil) != free {
			t.Fatal("picked the busy one")
		}
	}
	free.shun()
	for range 100 {
		if pick([]*backend{busy, free}, nil) != busy {
			t.Fatal("picked the one that refused lately")
		}
	}
	if pick([]*backend{busy, free}, []*backend{busy}) != free || pick([]*backend{busy}, []*backend{busy}) != nil {
		t.Error("picked one that was tried")
	}
}
