package proxy

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"paas"
)

func TestRedirectsToHTTPSAndToTheCanonicalHost(t *testing.T) {
	t.Parallel()
	rt := route(serveApp(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "app") }))
	rt.Hosts = []string{"www.example.com", "example.com"}
	r := start(t, Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	https, canonical := paas.Routing{HTTPS: paas.HTTPSRedirect}, paas.Routing{Canonical: "www.example.com"}
	both := paas.Routing{HTTPS: paas.HTTPSRedirect, Canonical: "www.example.com"}
	for name, c := range map[string]struct {
		routing     paas.Routing
		host, proto string
		location    string
	}{
		"to https":                            {https, "example.com", "http", "https://example.com/a/../b?c=%2f"},
		"to https, without a port":            {https, "example.com:8080", "http", "https://example.com/a/../b?c=%2f"},
		"https by a trusted proxy":            {https, "example.com", "https", ""},
		"to the canonical host":               {canonical, "example.com:8080", "http", "http://www.example.com:8080/a/../b?c=%2f"},
		"to the canonical host over https":    {canonical, "example.com", "https", "https://www.example.com/a/../b?c=%2f"},
		"at the canonical host":               {canonical, "www.example.com", "http", ""},
		"to both at once":                     {both, "example.com", "http", "https://www.example.com/a/../b?c=%2f"},
		"nowhere, with nothing asked":         {paas.Routing{}, "example.com", "http", ""},
		"to the canonical host, a POST as it": {canonical, "example.com", "POST", "http://www.example.com/a/../b?c=%2f"},
	} {
		r.put(routed(rt, c.routing))
		method, proto := http.MethodGet, c.proto
		if proto == "POST" {
			method, proto = proto, "http"
		}
		answer := r.rawAnswer(method + " /a/../b?c=%2f HTTP/1.1\r\nHost: " + c.host + "\r\nX-Forwarded-Proto: " + proto +
			"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		if c.location == "" {
			if !strings.HasPrefix(answer, "HTTP/1.1 200") {
				t.Errorf("%s: %s", name, answer)
			}
			continue
		}
		if !strings.HasPrefix(answer, "HTTP/1.1 308") || !strings.Contains(answer, "\r\nLocation: "+c.location+"\r\n") {
			t.Errorf("%s: %s", name, answer)
		}
	}
}

func TestAClientCannotSayThatItCameOverTLS(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, routed(route(serveApp(t, echo)), paas.Routing{HTTPS: paas.HTTPSRedirect}))
	if answer := r.rawAnswer("GET / HTTP/1.1\r\nHost: a.localhost\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 308") {
		t.Error(answer)
	}
}

func TestABodyBeyondTheAppsBoundIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, routed(route(serveApp(t, echo)), paas.Routing{MaxBody: 100_000}))
	for name, c := range map[string]struct {
		size    int
		chunked bool
		status  int
	}{
		"within": {100_000, false, 200}, "within, chunked": {100_000, true, 200},
		"beyond": {100_001, false, 413}, "beyond, chunked": {300_000, true, 413},
	} {
		var body io.Reader = strings.NewReader(strings.Repeat("x", c.size))
		if c.chunked {
			body = io.MultiReader(body) // of unknown length
		}
		resp, err := r.client().Do(r.request(http.MethodPost, "/", body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	if resp, _ := r.get("/"); resp.StatusCode != 200 {
		t.Errorf("afterwards: %d", resp.StatusCode)
	}
}

func TestRequestsBeyondTheAppsBoundAreTurnedAway(t *testing.T) {
	t.Parallel()
	arrived, goOn := make(chan bool), make(chan bool)
	rt := route(serveApp(t, func(http.ResponseWriter, *http.Request) { arrived <- true; <-goOn }))
	r := start(t, Options{}, routed(rt, paas.Routing{MaxRequests: 2}))
	answers := make(chan int, 2)
	for range 2 {
		go func() {
			resp, err := r.client().Do(r.request(http.MethodGet, "/", nil))
			if err != nil {
				answers <- 0
				return
			}
			_ = resp.Body.Close()
			answers <- resp.StatusCode
		}()
		<-arrived
	}
	if resp, _ := r.get("/"); resp.StatusCode != 503 || resp.Header.Get("X-Paas-Error") != "H11" {
		t.Errorf("the third: %d %v", resp.StatusCode, resp.Header)
	}
	r.put(routed(rt, paas.Routing{MaxRequests: 2, Timeout: 20})) // the count is the app's, not the table's
	if resp, _ := r.get("/"); resp.StatusCode != 503 {
		t.Errorf("the fourth: %d", resp.StatusCode)
	}
	close(goOn)
	for range 2 {
		if status := <-answers; status != 200 {
			t.Errorf("one within the bound: %d", status)
		}
	}
	go func() { <-arrived }()
	if resp, _ := r.get("/"); resp.StatusCode != 200 {
		t.Errorf("afterwards: %d", resp.StatusCode)
	}
	r.line("at=error", "code=H11", `desc="Backlog too deep"`, "status=503")
}

func TestAnAppsOwnTimeouts(t *testing.T) {
	t.Parallel()
	slow := serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		select {
		case <-time.After(1500 * time.Millisecond):
		case <-req.Context().Done():
		}
	})
	patient, hasty := route(slow), routed(route(slow), paas.Routing{Timeout: 1})
	hasty.App, hasty.Name, hasty.Hosts = "b", "b", []string{"b.localhost"}
	r := start(t, Options{}, patient, hasty)
	if resp, _ := r.get("/"); resp.StatusCode != 200 {
		t.Errorf("by default: %d", resp.StatusCode)
	}
	req := r.request(http.MethodGet, "/", nil)
	req.Host = "b.localhost"
	if resp, _ := r.do(r.client(), req); resp.StatusCode != 504 || resp.Header.Get("X-Paas-Error") != "H12" {
		t.Errorf("with a second: %d", resp.StatusCode)
	}
}
