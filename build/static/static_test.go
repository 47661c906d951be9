package static

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var long = strings.Repeat("all work and no play\n", 500)

// folder makes a site, beside a file that is not part of it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "secret.txt"), "secret")
	for name, text := range files {
		write(t, filepath.Join(dir, "site", name), text)
	}
	return filepath.Join(dir, "site")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir, fallback string) *Site {
	t.Helper()
	s, err := Open(dir, fallback)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// ask sends a request whose path is as it is given; headers are name, value, ….
func ask(s *Site, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestFilesAreServed(t *testing.T) {
	s := open(t, folder(t, map[string]string{
		"index.html": "home", "about.html": "about", "docs/index.html": "docs", "a.css": "css", "empty/x.bin": "\x00", ".well-known/x": "known",
		"data": "no ending",
	}), "")
	for _, tc := range []struct {
		path, body, kind string
		status           int
	}{
		{"/", "home", "text/html; charset=utf-8", 200},
		{"/index.html", "home", "text/html; charset=utf-8", 200},
		{"/about", "about", "text/html; charset=utf-8", 200},
		{"/docs/", "docs", "text/html; charset=utf-8", 200},
		{"/a.css", "css", "text/css; charset=utf-8", 200},
		{"/empty/x.bin", "\x00", "application/octet-stream", 200},
		{"/data", "no ending", "application/octet-stream", 200},
		{"/.well-known/x", "known", "application/octet-stream", 200},
		{"/docs/../a.css", "css", "text/css; charset=utf-8", 200},
		{"/nothing", "Not found\n", "text/plain; charset=utf-8", 404},
		{"/empty/", "Not found\n", "text/plain; charset=utf-8", 404}, // no listing
		{"/empty", "Not found\n", "text/plain; charset=utf-8", 404},
		{"/a.css/", "Not found\n", "text/plain; charset=utf-8", 404},
		{"/a.css/x", "Not found\n", "text/plain; charset=utf-8", 404},
	} {
		w := ask(s, "GET", tc.path)
		if w.Code != tc.status || w.Body.String() != tc.body || w.Header().Get("Content-Type") != tc.kind {
			t.Errorf("GET %s: %d %q %s", tc.path, w.Code, w.Body, w.Header().Get("Content-Type"))
		}
		if h := ask(s, "HEAD", tc.path); h.Code != tc.status {
			t.Errorf("HEAD %s: %d", tc.path, h.Code)
		}
	}
	if w := ask(s, "GET", "/docs?a=b"); w.Code != 301 || w.Header().Get("Location") != "./docs/?a=b" {
		t.Errorf("GET /docs: %d, to %q", w.Code, w.Header().Get("Location"))
	}
	if w := ask(s, "POST", "/"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestWhatIsNotOfTheSiteIsNotServed(t *testing.T) {
	dir := folder(t, map[string]string{
		"index.html": "home", ".env": "secret", ".git/config": "secret", "a/.htpasswd": "secret", "Dockerfile": "secret", "a/.well-known/x": "secret",
	})
	for name, target := range map[string]string{"out": "../secret.txt", "up": "..", "absolute": filepath.Join(dir, "../secret.txt"), "loop": "loop", "in": "index.html"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir, "")
	for _, path := range []string{
		"/.env", "/.git/config", "/.git/", "/a/.htpasswd", "/Dockerfile", "/a/.well-known/x", "/out", "/up/secret.txt", "/absolute", "/loop", "/../secret.txt",
		"/a/../../secret.txt", "/..\\secret.txt", "/%2e%2e/secret.txt", "//../secret.txt", "/index.html\x00", "/" + strings.Repeat("x", 300),
		"/" + strings.Repeat("x/", 3000), "/./.env", "/a/../.env",
	} {
		if w := ask(s, "GET", path); w.Code != 404 || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("GET %q: %d %q", path, w.Code, w.Body)
		}
	}
	if w := ask(s, "GET", "/in"); w.Code != 200 || w.Body.String() != "home" {
		t.Errorf("a link within the site: %d %q", w.Code, w.Body)
	}
}

func TestRangesAndConditions(t *testing.T) {
	s := open(t, folder(t, map[string]string{"video.mp4": "0123456789", "a.txt": long}), "")
	whole := ask(s, "GET", "/video.mp4")
	tag, modified := whole.Header().Get("ETag"), whole.Header().Get("Last-Modified")
	if tag == "" || modified == "" || whole.Header().Get("Accept-Ranges") != "bytes" {
		t.Errorf("headers: %v", whole.Header())
	}
	if w := ask(s, "GET", "/video.mp4", "Range", "bytes=2-4"); w.Code != 206 || w.Body.String() != "234" {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/video.mp4", "Range", "bytes=20-"); w.Code != 416 {
		t.Errorf("a range beyond the end: %d", w.Code)
	}
	if w := ask(s, "GET", "/video.mp4", "If-None-Match", tag); w.Code != 304 || w.Body.Len() != 0 {
		t.Errorf("with its tag: %d", w.Code)
	}
	if w := ask(s, "GET", "/video.mp4", "If-Modified-Since", modified); w.Code != 304 {
		t.Errorf("not modified since: %d", w.Code)
	}
	if w := ask(s, "GET", "/a.txt", "Range", "bytes=0-2"); w.Code != 206 || w.Body.String() != "all" {
		t.Errorf("a range of a text: %d %q", w.Code, w.Body)
	}
}

func TestTextsAreCompressed(t *testing.T) {
	s := open(t, folder(t, map[string]string{"a.txt": long, "short.txt": "short", "b.js": long, "b.js.br": "brotli", "b.js.gz": "gzipped", "c.mp4": long}), "")
	w := ask(s, "GET", "/a.txt", "Accept-Encoding", "deflate, gzip;q=0.8")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("Content-Length") != "" || w.Body.Len() > 500 {
		t.Errorf("%d bytes, %v", w.Body.Len(), w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); string(text) != long || err != nil {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if again := ask(s, "GET", "/a.txt", "Accept-Encoding", "gzip", "If-None-Match", w.Header().Get("ETag")); again.Code != 304 || again.Header().Get("Content-Encoding") != "" {
		t.Errorf("with its tag: %d %v", again.Code, again.Header())
	}
	if plain := ask(s, "GET", "/a.txt"); plain.Header().Get("ETag") == w.Header().Get("ETag") || plain.Body.String() != long {
		t.Errorf("uncompressed: %v", plain.Header())
	}
	for _, tc := range []struct{ path, accept, encoding, body string }{
		{"/short.txt", "gzip", "", "short"},
		{"/b.js", "gzip, br", "br", "brotli"},
		{"/b.js", "*", "gzip", "gzipped"},
		{"/b.js", "br;q=0, gzip", "gzip", "gzipped"},
		{"/b.js", "gzip;q=0", "", long},
		{"/c.mp4", "gzip", "", long},
	} {
		w := ask(s, "GET", tc.path, "Accept-Encoding", tc.accept)
		if w.Header().Get("Content-Encoding") != tc.encoding || w.Body.String() != tc.body {
			t.Errorf("%s for %q: %q, %d bytes", tc.path, tc.accept, w.Header().Get("Content-Encoding"), w.Body.Len())
		}
	}
}

func TestPagesForWhatIsNotThere(t *testing.T) {
	app := open(t, folder(t, map[string]string{"index.html": long}), "index.html")
	if w := ask(app, "GET", "/orders/17"); w.Code != 200 || w.Body.String() != long {
		t.Errorf("a path of a single-page app: %d", w.Code)
	}
	if w := ask(app, "GET", "/assets/gone.js"); w.Code != 404 {
		t.Errorf("a file that is gone: %d", w.Code)
	}
	if w := ask(app, "GET", "/.git"); w.Code != 404 {
		t.Errorf("a hidden name: %d", w.Code)
	}
	if w := ask(open(t, folder(t, map[string]string{"200.html": "app"}), ""), "GET", "/orders/17"); w.Code != 200 || w.Body.String() != "app" {
		t.Errorf("with 200.html: %d", w.Code)
	}
	site := open(t, folder(t, map[string]string{"index.html": "home", "404.html": long}), "index.html")
	w := ask(site, "GET", "/orders/17", "Accept-Encoding", "gzip", "Range", "bytes=0-1")
	if w.Code != 404 || w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("with 404.html: %d %v", w.Code, w.Header())
	}
	if w := ask(site, "GET", "/orders/17", "If-None-Match", "*"); w.Code != 404 || w.Body.String() != long {
		t.Errorf("with 404.html and a condition: %d", w.Code)
	}
}

// A request that is under way when the server is told to end gets its answer.
func TestServeEndsWithItsRequests(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(arrived)
			<-goOn
			io.WriteString(w, "done")
		}), slog.New(slog.DiscardHandler))
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-arrived
	stop()
	for { // it has stopped listening before the request ends
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	close(goOn)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if string(body) != "done" || err != nil {
		t.Errorf("%q, %v", body, err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func FuzzPath(f *testing.F) {
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
		f.Fatal(err)
	}
	site := filepath.Join(dir, "site")
	for name, text := range map[string]string{"index.html": "home", ".env": "secret", "a/.git/config": "secret"} {
		path := filepath.Join(site, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			f.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	s, err := Open(site, "index.html")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	for _, seed := range []string{"/", "/../secret", "/.env", "/a/.git/config", "//x", "/\\..", "/a/./../.env"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if bytes.Contains(w.Body.Bytes(), []byte("secret")) {
			t.Errorf("%q gives the secret", path)
		}
		if to := w.Header().Get("Location"); to != "" && !strings.HasPrefix(to, "./") {
			t.Errorf("%q leads to %q", path, to)
		}
	})
}
