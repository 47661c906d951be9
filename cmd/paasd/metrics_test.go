package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/router"
	"paas/router/proxy"
)

// scrape is the answer to one, as text.
func scrape(t *testing.T, source func(context.Context) ([]byte, error)) string {
	t.Helper()
	w := httptest.NewRecorder()
	newMetrics(source, slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	return w.Body.String()
}

// startRouter runs the real data plane with a request answered.
func startRouter(t *testing.T) *router.Embedded {
	t.Helper()
	dir, err := os.MkdirTemp("", "router") // short enough for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s, err := proxy.New(proxy.Options{Dir: dir, HTTPAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	target := router.NewEmbedded(dir)
	if _, err := target.Put(t.Context(), router.Table{Version: 1, Routes: []paas.Route{{App: "a", Name: "hello", Hosts: []string{"a.localhost"}}}}); err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, "http://"+s.Addr().String()+"/", nil)
	req.RequestURI, req.Host, req.Close = "", "a.localhost", true
	resp, err := (&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; { // it is counted once the answer is out
		table, err := target.Routes(t.Context(), "a")
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("the request is not counted: %+v %v", table, err)
		}
		if table.Routes[0].Requests == 1 {
			return target
		}
	}
}

func TestAScrapeHasTheRoutersMetricsAndPaasdsOwn(t *testing.T) {
	text := scrape(t, startRouter(t).Metrics)
	for _, line := range []string{
		`paas_router_requests_total{app="hello",class="5xx"} 1`, `paas_router_failures_total{app="hello",code="H14"} 1`,
		`paas_router_request_duration_seconds_count{app="hello"} 1`, `paas_router_table_version 1`, `paas_router_up 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	for _, role := range []string{"paasd", "router"} {
		for _, name := range []string{"paas_build_info{", "go_goroutines{", "process_open_fds{"} {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `.*role="` + role + `"`).MatchString(text) {
				t.Errorf("no %s of %s", name, role)
			}
		}
	}
	if n := strings.Count(text, "# TYPE go_goroutines "); n != 1 {
		t.Errorf("%d families of one name", n)
	}
	t.Run("each of which is documented", func(t *testing.T) {
		doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
		if err != nil {
			t.Fatal(err)
		}
		var documented, shown []string
		for _, m := range regexp.MustCompile("(?m)^\\| `(paas_[a-z_0-9]+)` \\| ([a-z]+)").FindAllStringSubmatch(string(doc), -1) {
			documented = append(documented, m[1]+" "+m[2])
		}
		for _, m := range regexp.MustCompile(`(?m)^# TYPE (paas_\S+ \S+)$`).FindAllStringSubmatch(text, -1) {
			shown = append(shown, m[1])
		}
		slices.Sort(documented)
		slices.Sort(shown)
		if diff := cmp.Diff(documented, shown); diff != "" {
			t.Errorf("docs/metrics.md (-) and a scrape (+): %s", diff)
		}
	})
}

func TestAScrapeWithoutARouterHasTheRest(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		err  error
		up   string
	}{
		"away":     {nil, paas.Errorf(paas.Unavailable, "the router does not answer"), "paas_router_up 0"},
		"confused": {[]byte("\x05nonsense"), nil, "paas_router_up 0"},
		"broken":   {nil, errors.New("no"), "paas_router_up 0"},
		"none":     {nil, paas.Errorf(paas.Conflict, "no router of ours"), ""},
	} {
		text := scrape(t, func(context.Context) ([]byte, error) { return c.data, c.err })
		if !strings.Contains(text, "paas_build_info{") || !strings.Contains(text, c.up) || c.up == "" && strings.Contains(text, "paas_router_up") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
