package proxy

import (
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paas"
	"paas/router"
)

// paged is a route with pages of its own, which are put into dir.
func paged(t *testing.T, dir string, r paas.Route, p map[paas.PageName]string) paas.Route {
	t.Helper()
	for name, html := range p {
		file, err := router.FilesIn(dir).Put([]byte(html))
		if err != nil {
			t.Fatal(err)
		}
		*r.Pages.Of(name) = file
	}
	return r
}

func TestAnAppsOwnPagesStandInForTheRouters(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	own := map[paas.PageName]string{paas.PageUnavailable: "<h1>sorry</h1>", paas.PageMaintenance: "<h1>back soon</h1>"}
	down := paged(t, dir, route(), own)
	shut := down
	shut.Maintenance = true
	r := start(t, Options{Dir: dir})
	for name, c := range map[string]struct {
		route  paas.Route
		accept string
		status int
		code   string
		body   string
	}{
		"crashed":             {withDown(down, "H10"), "text/html", 503, "H10", own[paas.PageUnavailable]},
		"no process":          {withDown(down, "H14"), "", 503, "H14", own[paas.PageUnavailable]},
		"nothing deployed":    {withDown(down, "H81"), "*/*", 503, "H81", own[paas.PageUnavailable]},
		"maintenance":         {shut, "", 503, "H80", own[paas.PageMaintenance]},
		"a program":           {withDown(down, "H10"), "application/json", 503, "H10", `"code":"unavailable"`},
		"not a failure of it": {paged(t, dir, route(refusing(t)), own), "", 502, "H21", "refused the connection"},
		"only the other page": {paged(t, dir, withDown(route(), "H10"), map[paas.PageName]string{paas.PageMaintenance: "<p>"}), "", 503, "H10", "has crashed"},
	} {
		t.Run(name, func(t *testing.T) {
			r.put(c.route)
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				req := r.request(method, "/", nil)
				req.Header.Set("Accept", c.accept)
				resp, body := r.do(r.client(), req)
				if resp.StatusCode != c.status || resp.Header.Get("X-Paas-Error") != c.code || resp.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: %d %v", method, resp.StatusCode, resp.Header)
				}
				if method == http.MethodGet && !strings.Contains(body, c.body) || strings.HasPrefix(c.body, "<") && resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
					t.Errorf("%s: %v %s", method, resp.Header, body)
				}
			}
		})
	}
}

func withDown(r paas.Route, code string) paas.Route {
	r.Down = code
	return r
}

func TestAPageThatIsMissingOrDamagedIsAProblemAndTheRoutersStandsIn(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	good := paged(t, dir, withDown(route(), "H10"), map[paas.PageName]string{paas.PageUnavailable: "<h1>sorry</h1>"})
	file := filepath.Join(dir, "files", good.Pages.Unavailable)
	bad := good
	bad.Pages.Maintenance = "../../etc/passwd"
	r := start(t, Options{Dir: dir})
	put := func(rt paas.Route) []router.Problem {
		problems, err := r.target.Put(t.Context(), router.Table{Version: r.version.Add(1), Routes: []paas.Route{rt}})
		if err != nil {
			t.Fatal(err)
		}
		return problems
	}
	page := func() string {
		_, body := r.get("/")
		return body
	}
	if err := os.WriteFile(file, []byte("<h1>other</h1>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := put(bad); len(p) != 2 || p[0].App != "a" || !strings.Contains(p[0].Text, "maintenance") || !strings.Contains(p[1].Text, "is damaged") {
		t.Errorf("got %+v", p)
	}
	if body := page(); !strings.Contains(body, "has crashed") {
		t.Error(body)
	}
	if err := os.WriteFile(file, []byte("<h1>sorry</h1>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := put(good); len(p) != 0 || page() != "<h1>sorry</h1>" {
		t.Errorf("got %+v %s", p, page())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	good.Hosts = append(good.Hosts, "b.localhost")
	if p := put(good); len(p) != 0 || page() != "<h1>sorry</h1>" { // it is in memory
		t.Errorf("got %+v %s", p, page())
	}
	put(route())
	if p := put(good); len(p) != 1 { // and was not, in between
		t.Errorf("got %+v", p)
	}
}

func TestAPageIsInMemoryOnceForAllWhoHaveIt(t *testing.T) {
	t.Parallel()
	files := router.FilesIn(t.TempDir())
	file, err := files.Put([]byte("<p>"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := route(), route(netip.MustParseAddrPort("127.0.0.1:1"))
	b.App, b.Hosts = "b", []string{"b.localhost"}
	a.Pages.Unavailable, b.Pages.Maintenance = file, file
	l := newLive(Timeouts{}.withDefaults(), files)
	for range 2 {
		if problems := l.swap(router.Table{Routes: []paas.Route{a, b}}); len(problems) != 0 {
			t.Fatal(problems)
		}
	}
	x, y := l.lookup("a.localhost", "/").pages.unavailable, l.lookup("b.localhost", "/").pages.maintenance
	if len(x) != 3 || len(y) != 3 || &x[0] != &y[0] {
		t.Errorf("%q %q", x, y)
	}
}

func TestOwnPagesReachClientsOfHTTP2(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	html := "<p>" + strings.Repeat("x", paas.MaxPageBytes-3)
	r := start(t, Options{Dir: dir}, paged(t, dir, route(), map[paas.PageName]string{paas.PageUnavailable: html}))
	resp, err := r.http2Client().Do(r.request(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != html || resp.StatusCode != 503 {
		t.Errorf("%d, %d bytes, %v", resp.StatusCode, len(body), err)
	}
}
