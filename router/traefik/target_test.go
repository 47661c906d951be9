package traefik

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"paas"
	"paas/router"
)

func TestRequestsFindTheirApp(t *testing.T) {
	s := start(t)
	s.put(1,
		app(t, "exact", "www.example.test"), app(t, "api", "www.example.test/api"), app(t, "deep", "www.example.test/api/v2"),
		app(t, "wild", "*.example.test"), app(t, "wildapi", "*.example.test/api"), app(t, "only", "only.example.test/x"),
	)
	tests := map[string]string{
		"www.example.test":              "exact /",
		"WWW.Example.Test":              "exact /",
		"www.example.test./":            "exact /",
		"www.example.test:8080/":        "exact /",
		"www.example.test/apis":         "exact /apis",
		"www.example.test/api":          "api /api",
		"www.example.test/api?q=1":      "api /api?q=1",
		"www.example.test/api/":         "api /api/",
		"www.example.test/api/x":        "api /api/x",
		"www.example.test/api/v2":       "deep /api/v2",
		"www.example.test/api/v22":      "api /api/v22",
		"other.example.test/":           "wild /",
		"OTHER.example.test.":           "wild /",
		"other.example.test/api/v2":     "wildapi /api/v2",
		"only.example.test/x/y":         "only /x/y",
		"only.example.test/":            "wild /", // as the embedded router does
		"www.example.test//a//b/../c":   "exact //a//b/../c",
		"www.example.test/a%2Fb%20c%3B": "exact /a%2Fb%20c%3B",
	}
	for url, want := range tests {
		if status, body, _ := s.get(url); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q, not %q", url, status, body, want)
		}
	}
	for _, host := range []string{"example.test", "a.b.example.test", "nosuch.test", "wwwxexample.test"} {
		status, body, header := s.get(host, "Accept", "application/json")
		if status != http.StatusNotFound || !strings.Contains(body, `"code":"not_found"`) || header.Get("X-Paas-Error") != "" {
			t.Errorf("%s: %d %s %v", host, status, body, header)
		}
	}
}

func TestWhatHasNoBackendsIsAnsweredByItsCode(t *testing.T) {
	s := start(t)
	away := app(t, "offline", "offline.test")
	away.Maintenance = true
	held := app(t, "paused", "paused.test")
	held.Paused = true
	s.put(1,
		paas.Route{App: "empty", Hosts: []string{"empty.test"}, Down: "H81"}, paas.Route{App: "none", Hosts: []string{"none.test"}},
		paas.Route{App: "boots", Hosts: []string{"boots.test"}, Down: "H20"}, paas.Route{App: "crashed", Hosts: []string{"crashed.test"}, Down: "H10"},
		away, held,
	)
	for host, code := range map[string]string{"empty.test": "H81", "none.test": "H14", "boots.test": "H20", "crashed.test": "H10", "offline.test": "H80", "paused.test": "H20"} {
		status, body, header := s.get(host+"/some/path?x=1", "X-Request-Id", "mine")
		if status != http.StatusServiceUnavailable || header.Get("X-Paas-Error") != code || header.Get("X-Request-Id") != "mine" ||
			!strings.Contains(body, "<h1>") {
			t.Errorf("%s: %d %v\n%s", host, status, header, body)
		}
	}
}

func TestAnAppsOwnPages(t *testing.T) {
	s := start(t)
	page, err := router.FilesIn(filepath.Dir(s.static.Dir)).Put([]byte("<p>Back at noon"))
	if err != nil {
		t.Fatal(err)
	}
	off := paas.Route{App: "off", Hosts: []string{"off.test"}, Maintenance: true, Pages: paas.Pages{Maintenance: page}}
	gone := paas.Route{App: "gone", Hosts: []string{"gone.test"}, Pages: paas.Pages{Unavailable: strings.Repeat("0a", 32)}}
	lines := s.follow(func() {
		s.put(1, off, gone)
		if status, body, header := s.get("off.test/x"); status != http.StatusServiceUnavailable || body != "<p>Back at noon" || header.Get("X-Paas-Error") != "H80" {
			t.Errorf("%d %s %v", status, body, header)
		}
		if _, body, _ := s.get("off.test", "Accept", "application/json"); !strings.Contains(body, `"error"`) {
			t.Errorf("a program gets %s", body)
		}
		if status, body, _ := s.get("gone.test"); status != http.StatusServiceUnavailable || !strings.Contains(body, "<h1>") {
			t.Errorf("with a page that is not there: %d %s", status, body)
		}
	}, "gone.test")
	if !strings.HasPrefix(lines[0], "off at=error code=H80 ") {
		t.Errorf("the line is %s", lines[0])
	}
}

// Each put is confirmed when it is true: the very next request gets the new backend, on connections old and new.
func TestAPutIsLiveWhenItReturns(t *testing.T) {
	s := start(t)
	var routes []paas.Route
	for i := range 2 {
		routes = append(routes, served(t, "app", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i) }, "app.test"))
	}
	var slowest time.Duration
	for i := range 30 {
		began := time.Now()
		s.put(uint64(i+1), routes[i%2])
		slowest = max(slowest, time.Since(began))
		for range 3 {
			if _, body, _ := s.get("app.test"); body != fmt.Sprint(i%2) {
				t.Fatalf("after put %d, %s answers", i+1, body)
			}
		}
	}
	t.Logf("the slowest of 30 puts took %s", slowest)
}

func TestAnAppThatIsGoneIsAnsweredNoMore(t *testing.T) {
	s := start(t)
	a, b := app(t, "a", "a.test"), app(t, "b", "b.test")
	s.put(1, a, b)
	if err := os.WriteFile(s.folder.path("apps/tmp-killed"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.put(2, b)
	if status, _, _ := s.get("a.test"); status != http.StatusNotFound {
		t.Errorf("it answers %d", status)
	}
	if status, _, _ := s.get("b.test"); status != http.StatusOK {
		t.Errorf("the other one answers %d", status)
	}
	left, err := filepath.Glob(s.folder.path("apps/*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left are %v %v", left, err)
	}
}

func TestWithoutTraefikAPutIsUnavailableAndLiveOnceItIsBack(t *testing.T) {
	s := start(t)
	s.put(1, app(t, "a", "a.test"))
	s.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	table := router.Table{Version: 2, Routes: []paas.Route{app(t, "b", "b.test")}}
	if _, err := s.Put(ctx, table); paas.CodeOf(err) != paas.Unavailable {
		t.Fatalf("it says %v", err)
	}
	s.run()
	if _, err := s.Put(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := s.get("b.test"); status != http.StatusOK {
		t.Errorf("it answers %d", status)
	}
	_, err := s.Put(t.Context(), router.Table{Version: 1})
	stale, ok := errors.AsType[*router.StaleError](err)
	if !ok || stale.Live != 2 {
		t.Errorf("an older table gets %v", err)
	}
}

func TestARestartedTraefikServesWhatItHad(t *testing.T) {
	s := start(t)
	s.put(1, app(t, "a", "a.test"))
	s.stop()
	s.run()
	s.wait("its routes", func() bool { status, _, _ := s.get("a.test"); return status == http.StatusOK })
}

func TestADrainWaitsForWhatIsInFlight(t *testing.T) {
	s := start(t)
	release := make(chan struct{})
	slow := served(t, "a", func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		<-release
	}, "a.test")
	old := slow.Backends[0].Addr
	s.put(1, slow)
	if _, err := s.Drain(t.Context(), []netip.AddrPort{old}, time.Second); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("what is routed is drained: %v", err)
	}
	asked := make(chan int, 1)
	go func() {
		status, _, _ := s.get("a.test")
		asked <- status
	}()
	s.wait("a connection", func() bool { n, _ := connections([]netip.AddrPort{old}); return n == 1 })
	s.put(2, app(t, "a", "a.test"))
	if cut, err := s.Drain(t.Context(), []netip.AddrPort{old}, 300*time.Millisecond); cut != 1 || err != nil {
		t.Errorf("%d are left: %v", cut, err)
	}
	time.AfterFunc(200*time.Millisecond, func() { close(release) })
	began := time.Now()
	if cut, err := s.Drain(t.Context(), []netip.AddrPort{old}, 20*time.Second); cut != 0 || err != nil {
		t.Errorf("%d are left: %v", cut, err)
	}
	t.Logf("drained %s after its last request", time.Since(began)-200*time.Millisecond)
	if status := <-asked; status != http.StatusOK {
		t.Errorf("it answers %d", status)
	}
}

func TestSettings(t *testing.T) {
	s := start(t)
	a := app(t, "a", "www.a.test", "a.test", "*.a.test/x")
	a.Routing = paas.Routing{Canonical: "a.test"}
	b := app(t, "b", "b.test")
	b.Routing = paas.Routing{HTTPS: paas.HTTPSRedirect}
	c := served(t, "c", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "c.test")
	c.Routing = paas.Routing{Timeout: 1}
	s.put(1, a, b, c)
	for url, want := range map[string]string{"www.a.test/p?q=1": "http://a.test/p?q=1", "y.a.test:81/x": "http://a.test:81/x", "b.test/p": "https://b.test/p"} {
		if status, _, header := s.get(url); status != http.StatusMovedPermanently || header.Get("Location") != want {
			t.Errorf("%s: %d %s", url, status, header.Get("Location"))
		}
	}
	if status, body, _ := s.get("a.test/p"); status != http.StatusOK || body != "a /p" {
		t.Errorf("the canonical host: %d %s", status, body)
	}
	if status, _, _ := s.get("c.test"); status != http.StatusGatewayTimeout {
		t.Errorf("after its time-out: %d", status)
	}
}

func TestRequestsHaveTheirLines(t *testing.T) {
	s := start(t)
	s.put(1, app(t, "a", "a.test"), paas.Route{App: "b", Hosts: []string{"b.test"}, Down: "H81"})
	lines := s.follow(func() {
		s.get("a.test/x?y=1", "X-Request-Id", "id-1")
		s.get("b.test")
		s.get("nosuch.test")
		s.get("a.test/last")
	}, "/last")
	want := []string{
		`a at=info method=GET path="/x?y=1" host=a.test request_id=id-1 fwd="127.0.0.1" instance=web.1 connect=`,
		`b at=error code=H81 desc="Blank app" method=GET path="/" host=b.test request_id=`,
		`a at=info method=GET path="/last"`,
	}
	if len(lines) != len(want) {
		t.Fatalf("the lines are\n%s", strings.Join(lines, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("line %d is\n%s\nnot\n%s", i, lines[i], want[i])
		}
	}

	// What comes while nobody reads is there afterwards, once.
	s.get("a.test/meanwhile")
	lines = s.follow(func() { s.get("a.test/then") }, "/then")
	if len(lines) != 2 || !strings.Contains(lines[0], "/meanwhile") {
		t.Errorf("the lines are\n%s", strings.Join(lines, "\n"))
	}
}

func TestTheAccessLogIsTurnedWithoutLoss(t *testing.T) {
	s := start(t)
	s.put(1, app(t, "a", "a.test"))
	const filler = rotateAt / 1024
	path := filepath.Join(s.static.Dir, accessFile)
	s.get("a.test/first")
	log, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for range filler {
		if _, err := fmt.Fprintf(log, "{%s\n", strings.Repeat(" ", 1022)); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	lines := s.follow(func() {
		for turned := false; !turned && n < 20_000; n++ {
			s.get(fmt.Sprintf("a.test/%d", n))
			info, err := os.Stat(path)
			turned = err == nil && info.Size() < rotateAt
		}
		s.get("a.test/last")
	}, "/last")
	if len(lines) != n+2 {
		t.Errorf("%d lines of %d requests", len(lines), n+2)
	}
	s.wait("the end of the old one", func() bool {
		s.follow(func() { s.get("a.test/more") }, "/more")
		_, err := os.Stat(path + ".old")
		return errors.Is(err, os.ErrNotExist)
	})
}

// follow reads the log while do runs, until a line has the text.
func (s *station) follow(do func(), until string) (lines []string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	began, done := make(chan struct{}), make(chan error, 1)
	found := false
	go func() {
		done <- s.Log(ctx, func(ev router.LogEvent) error {
			if ev.App == "" {
				close(began)
				return nil
			}
			lines = append(lines, ev.App+" "+ev.Text)
			if strings.Contains(ev.Text, until) {
				found = true
				cancel()
			}
			return nil
		})
	}()
	<-began
	do()
	if err := <-done; !found {
		s.t.Fatalf("the log ends with %v; lines:\n%s", err, strings.Join(lines, "\n"))
	}
	return lines
}
