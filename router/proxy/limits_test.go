package proxy

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestConnectionsThatDoNothingAreClosed(t *testing.T) {
	t.Parallel()
	app := served(func(http.ResponseWriter, *http.Request) {})(t)
	idle := start(t, Options{Timeouts: Timeouts{Idle: 200 * time.Millisecond}}, app)
	slow := start(t, Options{Timeouts: Timeouts{Header: 200 * time.Millisecond}}, app)
	const request = "GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n"
	for name, tt := range map[string]struct {
		r          *rig
		then, want string
	}{
		"between requests":   {idle, "", ""},
		"after another":      {idle, request, "HTTP/1.1 200"},
		"within a second":    {slow, "GET / HTTP/1.1\r\n", "HTTP/1.1 408"},
		"within a pipelined": {slow, request + "GET", "HTTP/1.1 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, br := tt.r.raw(request)
			readResponse(t, br)
			_, _ = io.WriteString(c, tt.then)
			rest, err := io.ReadAll(br)
			if err != nil || !strings.HasPrefix(string(rest), tt.want) || tt.want == "" && len(rest) > 0 {
				t.Errorf("got %q, %v", rest, err)
			}
		})
	}
}

func TestChunksThatAreMostlyLinesAreRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want error
	}{
		"tiny chunks":     {strings.Repeat("1\r\nx\r\n", 100_000) + "0\r\n\r\n", io.EOF},
		"long extensions": {strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\nx\r\n", 100) + "0\r\n\r\n", errChunk},
		"endless size":    {strings.Repeat("0", 1<<20), errChunk},
		"endless trailer": {"0\r\n" + strings.Repeat("X: y\r\n", 100_000), errChunk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b body
			b.begin(newSock(&tape{in: []byte(tt.text), step: 1000}, small), chunked)
			var err error
			for err == nil {
				var p []byte
				if p, err = b.take(); err == nil && len(p) == 0 {
					err = b.fill()
				}
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// An exchange and what it holds are used again: nothing of one request may be seen in another.
func TestNothingOfARequestIsLeftForTheNext(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{}, route(addr))
	first := r.mirrored(got, "POST /first HTTP/1.1\r\nHost: a.localhost\r\nX-First: 1\r\nX-Request-Id: first\r\nTE: trailers\r\nContent-Length: 5\r\n\r\nfirst")
	for range 20 {
		s := r.mirrored(got, "GET /next HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
		if s.body != "" || s.length != 0 || s.header["X-First"] != nil || s.header["Te"] != nil || s.header.Get("X-Request-Id") == "first" {
			t.Fatalf("after %+v: %+v", first, s)
		}
	}
}
