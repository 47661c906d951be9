package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

func TestRefusedConnectionIsTriedOnAnotherBackend(t *testing.T) {
	t.Parallel()
	good := serveApp(t, echo)
	r := start(t, Options{}, route(refusing(t), good, refusing(t)))
	client := r.client()
	for range 50 {
		for _, method := range []string{http.MethodGet, http.MethodPost} { // a POST too: no byte of it was sent
			resp, body := r.do(client, r.request(method, "/", strings.NewReader("body")))
			if resp.StatusCode != 200 || body != "body" {
				t.Fatalf("%s: got %d %q", method, resp.StatusCode, body)
			}
		}
	}
	r.line("at=info", "instance=web.2", "status=200")
}

func TestConnectTimeoutIsTriedOnAnotherBackend(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Connect: 50 * time.Millisecond}}, route(deaf(t), serveApp(t, echo)))
	for range 5 {
		if resp, _ := r.get("/"); resp.StatusCode != 200 {
			t.Fatalf("got %d", resp.StatusCode)
		}
	}
}

func TestAllRefused(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(refusing(t), refusing(t), refusing(t), refusing(t), refusing(t)))
	if resp, _ := r.get("/"); resp.Header.Get("X-Paas-Error") != "H21" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
}

// keptThenClosed is an app that answers the first request of each connection and closes when it gets another, as one
// does whose keep-alive ran out just then. It counts what it saw.
func keptThenClosed(t *testing.T, seen *atomic.Int32) netip.AddrPort {
	return serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		for i := range 2 {
			if _, err := readHead(br); err != nil {
				return
			}
			seen.Add(1)
			if i == 0 {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}
		}
	})
}

func TestKeptConnectionThatClosesIsReplacedForWhatCanBeRepeated(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	r := start(t, Options{}, route(keptThenClosed(t, &seen)))
	client := r.client()
	for i := range 4 {
		if resp, body := r.do(client, r.request(http.MethodGet, "/", nil)); resp.StatusCode != 200 || body != "ok" {
			t.Fatalf("request %d: got %d %q", i, resp.StatusCode, body)
		}
	}
}

func TestPostIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	r := start(t, Options{}, route(keptThenClosed(t, &seen)))
	client := r.client()
	r.do(client, r.request(http.MethodGet, "/", nil))
	resp, _ := r.do(client, r.request(http.MethodPost, "/", strings.NewReader("x")))
	if resp.StatusCode != 502 || resp.Header.Get("X-Paas-Error") != "H13" || seen.Load() != 2 {
		t.Errorf("got %d %v, the app saw %d requests", resp.StatusCode, resp.Header, seen.Load())
	}
}

func TestGetThatKillsABackendIsSentOnceOnANewConnection(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	addr := serveRaw(t, func(_ int, _ net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err == nil {
			seen.Add(1)
		}
	})
	r := start(t, Options{}, route(addr))
	if resp, _ := r.get("/"); resp.Header.Get("X-Paas-Error") != "H13" || seen.Load() != 1 {
		t.Errorf("got %v, the app saw %d requests", resp.Header, seen.Load())
	}
}

func TestKeptConnectionClosedMeanwhileIsNotUsed(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 10)
	addr := serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			_ = c.Close()
			closed <- struct{}{}
		}
	})
	r := start(t, Options{}, route(addr))
	client := r.client()
	for range 10 { // with a POST each time, which could not be repeated
		resp, _ := r.do(client, r.request(http.MethodPost, "/", nil))
		if resp.StatusCode != 200 {
			t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
		}
		await(t, "the close", closed)
	}
}

func TestResponseThatNobodyAskedForIsNotTakenForTheNext(t *testing.T) {
	t.Parallel()
	addr := serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
		}
	})
	r := start(t, Options{}, route(addr))
	client := r.client()
	for range 10 {
		if _, body := r.do(client, r.request(http.MethodGet, "/", nil)); body != "ok" {
			t.Fatalf("got %q", body)
		}
	}
}
