package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// serveRawResponse is an app that gives the same bytes to every request, one per connection.
func serveRawResponse(t *testing.T, response string) netip.AddrPort {
	t.Helper()
	return serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err == nil {
			_, _ = io.WriteString(c, response)
		}
	})
}

func TestBodilessResponses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, response string
		status                 int
		length                 string
	}{
		{"HEAD", http.MethodHead, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", 200, "1234"},
		{"HEAD of a stream", http.MethodHead, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, ""},
		{"204", http.MethodGet, "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
		{"304", http.MethodGet, "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\nContent-Length: 1234\r\n\r\n", 304, ""},
		{"empty", http.MethodGet, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "0"},
		{"empty to a POST", http.MethodPost, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, "0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, Options{}, route(serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
				for _, err := readHead(br); err == nil; _, err = readHead(br) {
					_, _ = io.WriteString(c, tt.response)
				}
			})))
			client := r.client()
			for range 2 { // the second tells whether the connection is still in step
				resp, body := r.do(client, r.request(tt.method, "/", nil))
				if resp.StatusCode != tt.status || body != "" || resp.Header.Get("Content-Length") != tt.length {
					t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
				}
			}
			r.line("at=info", "bytes=0")
		})
	}
}

func TestRangePassesThrough(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		http.ServeContent(w, req, "x.txt", testTime, strings.NewReader("0123456789"))
	})))
	req := r.request(http.MethodGet, "/", nil)
	req.Header.Set("Range", "bytes=2-4")
	if resp, body := r.do(r.client(), req); resp.StatusCode != 206 || body != "234" || resp.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
	}
}

func TestHTTP10Client(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "hello ")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, req.Proto)
	})))
	answer := r.rawAnswer("GET / HTTP/1.0\r\nHost: a.localhost\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.0 200 OK\r\n") || !strings.HasSuffix(answer, "\r\n\r\nhello HTTP/1.1") || strings.Contains(answer, "chunked") {
		t.Errorf("got %q", answer)
	}
}

func TestResponseUntilClose(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveRawResponse(t, "HTTP/1.0 200 OK\r\n\r\nall of it")))
	if resp, body := r.get("/"); resp.StatusCode != 200 || body != "all of it" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 1)
	r := start(t, Options{}, route(serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		if head, err := readHead(br); err == nil {
			heads <- head
			_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})))
	for _, tt := range []struct{ line, host, uri string }{
		{"GET http://a.localhost/x?y HTTP/1.1\r\nHost: evil", "a.localhost", "/x?y"}, // RFC 9112 3.2.2: the target's host counts
		{"GET http://a.localhost HTTP/1.1\r\nHost: evil", "a.localhost", "/"},
		{"OPTIONS * HTTP/1.1\r\nHost: a.localhost", "a.localhost", "*"},
		{"OPTIONS http://a.localhost HTTP/1.1\r\nHost: a.localhost", "a.localhost", "*"},
		{"GET //double//slash/../x HTTP/1.1\r\nHost: a.localhost", "a.localhost", "//double//slash/../x"},
		{"GET /%zz HTTP/1.1\r\nHost: a.localhost", "", ""},
		{"GET /a#b HTTP/1.1\r\nHost: a.localhost", "a.localhost", "/a#b"},
		{"GET /\xff HTTP/1.1\r\nHost: a.localhost", "a.localhost", "/\xff"},
		{"GET * HTTP/1.1\r\nHost: a.localhost", "", ""},
		{"CONNECT a.localhost:80 HTTP/1.1\r\nHost: a.localhost", "", ""},
	} {
		if tt.host == "" {
			if answer := r.rawAnswer(tt.line + "\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 40") {
				t.Errorf("%q: %s", tt.line, answer)
			}
			continue
		}
		r.rawAnswer(tt.line + "\r\nConnection: close\r\n\r\n")
		method, _, _ := strings.Cut(tt.line, " ")
		want := method + " " + tt.uri + " HTTP/1.1\r\nHost: " + tt.host + "\r\n"
		if head := await(t, "the request", heads); !strings.HasPrefix(head, want) || strings.Count(head, "Host:") != 1 {
			t.Errorf("%q became %q", tt.line, head)
		}
	}
}

func TestTrailersBothWays(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		got <- req.Trailer
		w.Header().Set("Trailer", "X-Announced")
		_, _ = io.WriteString(w, "x")
		w.Header().Set("X-Announced", "1")
		w.Header().Set(http.TrailerPrefix+"X-Late", "2")
	})))
	_, br := r.raw("POST / HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\nx\r\n0\r\n" +
		"X-Sum: 42\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\n\r\n")
	resp, body := readResponse(t, br)
	if body != "x" || resp.Trailer.Get("X-Announced") != "1" || resp.Trailer.Get("X-Late") != "2" {
		t.Errorf("got %q %v", body, resp.Trailer)
	}
	if tr := await(t, "the trailer", got); tr.Get("X-Sum") != "42" || len(tr) != 1 {
		t.Errorf("the app got %v", tr)
	}
}

func TestInterimResponsesPassThrough(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</x.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "done")
	})))
	_, br := r.raw("GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
	early, err := http.ReadResponse(br, nil)
	if err != nil || early.StatusCode != 103 || early.Header.Get("Link") != "</x.css>" {
		t.Fatalf("got %v %v", early, err)
	}
	if resp, body := readResponse(t, br); resp.StatusCode != 200 || body != "done" || resp.Header.Get("Link") != "" {
		t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
	}
}
