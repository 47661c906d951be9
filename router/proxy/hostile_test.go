package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestSlowHeadersAreCut(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Header: 100 * time.Millisecond}}, route())
	for _, text := range []string{"", "GET / HTTP/1.1\r\nHost: a.localhost\r\nX-Slow: ", "PRI * HTTP/2.0\r\n"} {
		c, br := r.raw(text)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for text != "" {
				<-tick.C
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
			}
		}()
		if rest, err := io.ReadAll(br); strings.HasPrefix(string(rest), "HTTP/1.1 2") || (err != nil && strings.Contains(err.Error(), "i/o timeout")) {
			t.Errorf("after %q: got %q, %v", text, rest, err)
		}
		_ = c.Close()
		await(t, "the sender", sent)
	}
}

func TestLargeHeaders(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{}, route(addr))
	s := r.mirrored(got, "GET / HTTP/1.1\r\nHost: a.localhost\r\nX-Long: "+strings.Repeat("x", 60<<10)+"\r\n\r\n")
	if len(s.header.Get("X-Long")) != 60<<10 {
		t.Error("60 KB did not pass")
	}
	for text, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: a.localhost\r\nX-Long: " + strings.Repeat("x", 80<<10) + "\r\n\r\n": "HTTP/1.1 431",
		"GET /" + strings.Repeat("x", 80<<10) + " HTTP/1.1\r\nHost: a.localhost\r\n\r\n":             "HTTP/1.1 414",
		"GET / HTTP/1.1\r\nHost: a.localhost\r\n" + strings.Repeat("X-A: b\r\n", 10<<10) + "\r\n":    "HTTP/1.1 431",
	} {
		if answer := r.rawAnswer(text); !strings.HasPrefix(answer, want) {
			t.Errorf("got %.100q", answer)
		}
	}
}

// What net/http lets through must reach the app as one unmistakable request, and nothing of it as a second one.
func TestRequestsThatTwoServersMightReadDifferently(t *testing.T) {
	t.Parallel()
	const host = "Host: a.localhost\r\n"
	refused := map[string]string{
		"two hosts":                "GET / HTTP/1.1\r\n" + host + "Host: b.localhost\r\n\r\n",
		"the same host twice":      "GET / HTTP/1.1\r\n" + host + host + "\r\n",
		"no host":                  "GET / HTTP/1.1\r\n\r\n",
		"host with a space":        "GET / HTTP/1.1\r\nHost: a.localhost b\r\n\r\n",
		"two lengths":              "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"signed length":            "POST / HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello",
		"negative length":          "POST / HTTP/1.1\r\n" + host + "Content-Length: -5\r\n\r\nhello",
		"list of lengths":          "POST / HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\nhello",
		"odd coding":               "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"coding twice":             "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"coding with a tab":        "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
		"space before the colon":   "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"space before a field":     "GET / HTTP/1.1\r\n " + host + "\r\n",
		"NUL in a value":           "GET / HTTP/1.1\r\n" + host + "X: a\x00b\r\n\r\n",
		"bare CR in a value":       "GET / HTTP/1.1\r\n" + host + "X: a\rHost: b\r\n\r\n",
		"space in the target":      "GET /a b HTTP/1.1\r\n" + host + "\r\n",
		"control in the target":    "GET /a\x01b HTTP/1.1\r\n" + host + "\r\n",
		"odd version":              "GET / HTTP/1.12\r\n" + host + "\r\n",
		"chunk size with a sign":   "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
		"chunk size too large":     "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
		"chunk without its end":    "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
		"bare LF in a chunk's end": "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
		"bare LF after a size":     "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n05\nhello\r\n0\r\n\r\n",
		"NUL in a trailer":         "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\x00b\r\n\r\n",
	}
	for name, text := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, Options{}, route(serveApp(t, func(_ http.ResponseWriter, req *http.Request) {
				if _, err := io.Copy(io.Discard, req.Body); err == nil {
					t.Errorf("reached the app: %v", req.Header)
				}
			})))
			answer := r.rawAnswer(text)
			if !strings.HasPrefix(answer, "HTTP/1.1 4") && !strings.HasPrefix(answer, "HTTP/1.1 5") || strings.Count(answer, "HTTP/1.1 ") != 1 {
				t.Errorf("got %q", answer)
			}
		})
	}
}

func TestRequestsThatReadOneWayOnly(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{}, route(addr))
	const host = "Host: a.localhost\r\n"
	for name, tt := range map[string]struct{ text, body, header string }{
		// RFC 9112 6.3: the coding overrides the length, which must not go further.
		"length and coding":       {"POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", ""},
		"coding in capitals":      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", ""},
		"chunk extension":         {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n", "hello", ""},
		"folded field":            {"GET / HTTP/1.1\r\n" + host + "X-Folded: a\r\n b\r\n\r\n", "", "a b"},
		"lines ended by LF alone": {"GET / HTTP/1.1\nHost: a.localhost\nX-Folded: a b\n\n", "", "a b"},
		"length named as hop":     {"POST / HTTP/1.1\r\n" + host + "Connection: Content-Length\r\nContent-Length: 5\r\n\r\nhello", "hello", ""},
		"coding named as hop":     {"POST / HTTP/1.1\r\n" + host + "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", ""},
		"host named as hop":       {"GET / HTTP/1.1\r\n" + host + "Connection: Host\r\n\r\n", "", ""},
		"GET with a body":         {"GET / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello", "hello", ""},
	} {
		s := r.mirrored(got, tt.text)
		if s.body != tt.body || s.host != "a.localhost" || s.header.Get("X-Folded") != tt.header {
			t.Errorf("%s: got %q from %q, %v", name, s.body, s.host, s.header)
		}
		if chunked := len(s.te) > 0; chunked && s.header["Content-Length"] != nil {
			t.Errorf("%s: both a coding and a length: %v", name, s.header)
		}
	}
}

func TestPipelinedRequestsStayInOrder(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) { _, _ = io.WriteString(w, req.URL.Path) })))
	const req = " HTTP/1.1\r\nHost: a.localhost\r\n"
	_, br := r.raw("GET /1" + req + "\r\nPOST /2" + req + "Content-Length: 5\r\n\r\nhelloGET /3" + req + "Connection: close\r\n\r\n")
	for _, want := range []string{"/1", "/2", "/3"} {
		if resp, body := readResponse(t, br); resp.StatusCode != 200 || body != want {
			t.Errorf("got %d %q instead of %q", resp.StatusCode, body, want)
		}
	}
}

func TestLinesCannotBeForged(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(http.ResponseWriter, *http.Request) {})))
	r.rawAnswer("G'T /\" status=500 HTTP/1.1\r\nHost: a.localhost\r\n\r\n") // refused: a space in the target
	r.rawAnswer("G'T /\"%0d%0aat=error\xe2\x80\xa8\xff HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n")
	if l := r.line("at=info"); !strings.Contains(l, `method=G'T path="/\"%0d%0aat=error\u2028\xff" host=a.localhost`) || strings.ContainsAny(l, "\r\n") {
		t.Errorf("got %q", l)
	}
}
