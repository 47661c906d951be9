package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// http2Client speaks HTTP/2 without TLS.
func (r *rig) http2Client() *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprintf(w, "%s %s %s %s", req.Proto, req.Host, body, req.Header["Cookie"])
		w.Header().Set("X-Sum", "42")
	})))
	req := r.request(http.MethodPost, "/", strings.NewReader("hello"))
	req.AddCookie(&http.Cookie{Name: "a", Value: "1"})
	req.AddCookie(&http.Cookie{Name: "b", Value: "2"})
	resp, body := r.do(r.http2Client(), req)
	if resp.ProtoMajor != 2 || body != "HTTP/1.1 a.localhost hello [a=1; b=2]" || resp.Trailer.Get("X-Sum") != "42" {
		t.Errorf("got %s %q %v", resp.Proto, body, resp.Trailer)
	}
}

func TestHTTP2LargeBodies(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		echo(w, req)
	})))
	resp, err := r.http2Client().Do(r.request(http.MethodPost, "/", struct{ io.Reader }{zeros(10 << 20)}))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != 10<<20 || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

func TestHTTP2StreamsFailAlone(t *testing.T) {
	t.Parallel()
	app := newSlow(t)
	r := start(t, Options{}, route(app.addr))
	client := r.http2Client()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	req := r.request(http.MethodPost, "/", strings.NewReader("x")).WithContext(ctx)
	go func() {
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		gone <- err
	}()
	await(t, "the first request", app.arrived)
	second := r.ask(client)
	await(t, "the second request", app.arrived)
	cancel()
	if err := await(t, "the first's end", gone); err == nil {
		t.Error("got a response")
	}
	r.line("code=H27", "method=POST")
	close(app.release)
	if a := await(t, "the answer", second); a.body != "done" {
		t.Errorf("got %+v", a)
	}
}

func TestHTTP2EarlyResponse(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveRawResponse(t, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")))
	pr, pw := io.Pipe()
	defer pw.Close()
	resp, body := r.do(r.http2Client(), r.request(http.MethodPost, "/", pr))
	if resp.StatusCode != 413 || body != "big" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
}
