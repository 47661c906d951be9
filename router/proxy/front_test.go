package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paas"
	"paas/router"
)

// onBothFronts runs a test with a client of each, on a router of its own.
func onBothFronts(t *testing.T, opts Options, routed func(*testing.T) paas.Route, test func(t *testing.T, r *rig, client *http.Client)) {
	t.Helper()
	for name, dial := range map[string]func(*rig) *http.Client{"HTTP/1.1": (*rig).client, "HTTP/2": (*rig).http2Client} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, opts, routed(t))
			test(t, r, dial(r))
		})
	}
	for name, protocol := range map[string]string{"HTTP/1.1 over TLS": "http/1.1", "HTTP/2 over TLS": "h2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := newOwnCert(t, time.Hour, "*.localhost")
			r := startTLS(t, opts, own.on(routed(t)))
			test(t, r, r.tlsClient(own.pool, "a.localhost", protocol))
		})
	}
}

func served(h http.HandlerFunc) func(*testing.T) paas.Route {
	return func(t *testing.T) paas.Route { return route(serveApp(t, h)) }
}

func TestWhatIsNoRequestIsAnsweredAndTheConnectionClosed(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Header: 200 * time.Millisecond}}, served(func(_ http.ResponseWriter, req *http.Request) {
		t.Errorf("reached the app: %s %s", req.Method, req.RequestURI)
	})(t))
	const host = "Host: a.localhost\r\n"
	for text, want := range map[string]int{
		"GET / HTTP/1.1\r\n\r\n":                                                             400,
		"GET / HTTP/1.1\r\n" + host + host + "\r\n":                                          400,
		"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n":                                                400,
		"GET  / HTTP/1.1\r\n" + host + "\r\n":                                                400,
		"GET /\r\n\r\n":                                                                      400, // HTTP/0.9
		"G@T / HTTP/1.1\r\n" + host + "\r\n":                                                 400,
		"GET / HTTP/1.1 \r\n" + host + "\r\n":                                                400,
		"GET / http/1.1\r\n" + host + "\r\n":                                                 400,
		"GET /\x00 HTTP/1.1\r\n" + host + "\r\n":                                             400,
		"GET a.localhost HTTP/1.1\r\n" + host + "\r\n":                                       400,
		"GET ftp://a.localhost/ HTTP/1.1\r\n" + host + "\r\n":                                400,
		"GET http://u@a.localhost/ HTTP/1.1\r\n" + host + "\r\n":                             400,
		"GET http:///x HTTP/1.1\r\n" + host + "\r\n":                                         400,
		"GET / HTTP/1.1\r\n" + host + "X-\x80: y\r\n\r\n":                                    400,
		"GET / HTTP/1.1\r\n" + host + ": y\r\n\r\n":                                          400,
		"GET / HTTP/1.1\r\n" + host + "X\r\n\r\n":                                            400,
		"GET / HTTP/1.1\r\n" + host + "X: y\r\r\n\r\n":                                       400,
		"GET / HTTP/1.1\r\n" + host + "X: \x7f\r\n\r\n":                                      400,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello": 400,
		"POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n":                             400,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 0x5\r\n\r\nhello":                    400,
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 9999999999999999999\r\n\r\nhello":    400,
		"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n":         400,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n":   501,
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n , gzip\r\n\r\n":       501,
		"POST / HTTP/1.1\r\n" + host + "Expect: a miracle\r\nContent-Length: 5\r\n\r\n":      417,
		"GET / HTTP/2.0\r\n" + host + "\r\n":                                                 505,
		"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n":                                                   505,
		"GET / HTTP/1.1\r\n" + host + "X: slow":                                              408,
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			answer := r.rawAnswer(text)
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != want || !resp.Close || strings.Count(answer, "HTTP/1.") != 1 {
				t.Errorf("%q: got %q", text, answer)
			}
		})
	}
}

func TestWhoMayGoOnAfterAnAnswer(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, served(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/stream" {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, "ok")
	})(t))
	for _, tt := range []struct {
		name, text string
		keeps      bool
		connection string
	}{
		{"HTTP/1.1", "GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n", true, ""},
		{"HTTP/1.1 that closes", "GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: x, Close\r\n\r\n", false, "close"},
		{"HTTP/1.0", "GET / HTTP/1.0\r\nHost: a.localhost\r\n\r\n", false, "close"},
		{"HTTP/1.0 that stays", "GET / HTTP/1.0\r\nHost: a.localhost\r\nConnection: Keep-Alive\r\n\r\n", true, "keep-alive"},
		{"HTTP/1.0 and no length", "GET /stream HTTP/1.0\r\nHost: a.localhost\r\nConnection: Keep-Alive\r\n\r\n", false, "close"},
		{"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n", true, ""},
		{"length and coding", "POST / HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, "close"},
		{"a failure", "GET / HTTP/1.1\r\nHost: b.localhost\r\n\r\n", true, ""},
		{"a failure with a small body", "POST / HTTP/1.1\r\nHost: b.localhost\r\nContent-Length: 5\r\n\r\nhello", true, ""},
		{"a failure with a body to come", "POST / HTTP/1.1\r\nHost: b.localhost\r\nContent-Length: 50\r\n\r\nhello", false, "close"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, br := r.raw(tt.text)
			resp, _ := readResponse(t, br)
			if got := resp.Header.Get("Connection"); got != tt.connection && (tt.connection != "close" || !resp.Close) {
				t.Errorf("Connection: %q", got)
			}
			_, _ = io.WriteString(c, "GET /again HTTP/1.1\r\nHost: a.localhost\r\nConnection: close\r\n\r\n")
			rest, _ := io.ReadAll(br)
			if again := strings.HasPrefix(string(rest), "HTTP/1.1 200"); again != tt.keeps {
				t.Errorf("then %q", rest)
			}
		})
	}
}

func TestRequestInPieces(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{}, route(addr))
	c, br := r.raw("")
	for range 2 {
		for _, b := range []byte("POST /x HTTP/1.1\r\nHost: a.localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n") {
			if _, err := c.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		if s := await(t, "the request", got); s.body != "hello" || s.uri != "/x" {
			t.Errorf("got %+v", s)
		}
		readResponse(t, br)
	}
}

func TestManyPipelinedRequests(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, served(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		fmt.Fprintf(w, "%s%s", req.URL.Path, body)
	})(t))
	var all strings.Builder
	const n = 100
	for i := range n {
		fmt.Fprintf(&all, "POST /%d HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: %d\r\n\r\n%s", i, i%7, strings.Repeat("x", i%7))
	}
	_, br := r.raw(all.String())
	for i := range n {
		if _, body := readResponse(t, br); body != fmt.Sprintf("/%d%s", i, strings.Repeat("x", i%7)) {
			t.Fatalf("answer %d is %q", i, body)
		}
	}
}

func TestManySmallChunksBothWays(t *testing.T) {
	t.Parallel()
	onBothFronts(t, Options{}, func(t *testing.T) paas.Route {
		var out strings.Builder
		for i := range 5000 {
			fmt.Fprintf(&out, "%x;x=y\r\n%s\r\n", 1+i%9, strings.Repeat("z", 1+i%9))
		}
		return route(serveRawResponse(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+out.String()+"0\r\n\r\n"))
	}, func(t *testing.T, r *rig, client *http.Client) {
		want := 0
		for i := range 5000 {
			want += 1 + i%9
		}
		if _, body := r.do(client, r.request(http.MethodGet, "/", nil)); len(body) != want || strings.Trim(body, "z") != "" {
			t.Errorf("got %d bytes instead of %d", len(body), want)
		}
	})
}

// A kept connection that the backend has closed is noticed before a byte goes out, so a body is not lost either.
func TestSmallPostOnAConnectionClosedMeanwhile(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 10)
	var seen atomic.Int32
	addr := serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err != nil {
			return
		}
		body := make([]byte, 5)
		if _, err := io.ReadFull(br, body); err == nil && string(body) == "hello" {
			seen.Add(1)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_ = c.Close()
		closed <- struct{}{}
	})
	r := start(t, Options{}, route(addr))
	client := r.client()
	for range 5 {
		if resp, _ := r.do(client, r.request(http.MethodPost, "/", strings.NewReader("hello"))); resp.StatusCode != 200 {
			t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
		}
		await(t, "the close", closed)
	}
	if seen.Load() != 5 {
		t.Errorf("the app got %d whole bodies", seen.Load())
	}
}

func TestBothFrontsPassOnWhatFails(t *testing.T) {
	t.Parallel()
	t.Run("page", func(t *testing.T) {
		t.Parallel()
		onBothFronts(t, Options{}, down("H14"), func(t *testing.T, r *rig, client *http.Client) {
			resp, body := r.do(client, r.request(http.MethodPost, "/", strings.NewReader("x")))
			if resp.StatusCode != 503 || resp.Header.Get("X-Paas-Error") != "H14" || !strings.Contains(body, "H14") {
				t.Errorf("got %d %v", resp.StatusCode, resp.Header)
			}
			r.line("code=H14", "method=POST")
		})
	})
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		onBothFronts(t, Options{}, func(t *testing.T) paas.Route {
			return route(refusing(t), serveApp(t, echo), refusing(t))
		}, func(t *testing.T, r *rig, client *http.Client) {
			for range 20 {
				if resp, body := r.do(client, r.request(http.MethodPost, "/", strings.NewReader("body"))); resp.StatusCode != 200 || body != "body" {
					t.Fatalf("got %d %q", resp.StatusCode, body)
				}
			}
		})
	})
	t.Run("torn", func(t *testing.T) {
		t.Parallel()
		onBothFronts(t, Options{}, dying(func(c net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		}), func(t *testing.T, r *rig, client *http.Client) {
			resp, err := client.Do(r.request(http.MethodGet, "/", nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("got %q as a whole", body)
			}
			r.line("code=H18", "bytes=4")
		})
	})
	t.Run("no first byte", func(t *testing.T) {
		t.Parallel()
		onBothFronts(t, Options{Timeouts: Timeouts{FirstByte: 100 * time.Millisecond}}, dying(func(_ net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = br.ReadByte()
		}), func(t *testing.T, r *rig, client *http.Client) {
			if resp, _ := r.do(client, r.request(http.MethodGet, "/", nil)); resp.StatusCode != 504 {
				t.Errorf("got %d %v", resp.StatusCode, resp.Header)
			}
		})
	})
	t.Run("client gone", func(t *testing.T) {
		t.Parallel()
		type seen struct{ gone, arrived chan struct{} }
		var fronts sync.Map // by the names of their tests
		of := func(id string) seen {
			s, _ := fronts.LoadOrStore(id, seen{make(chan struct{}, 1), make(chan struct{}, 1)})
			return s.(seen)
		}
		onBothFronts(t, Options{}, served(func(_ http.ResponseWriter, req *http.Request) {
			s := of(req.Header.Get("X-Front"))
			s.arrived <- struct{}{}
			<-req.Context().Done()
			s.gone <- struct{}{}
		}), func(t *testing.T, r *rig, client *http.Client) {
			ctx, cancel := context.WithCancel(t.Context())
			s := of(t.Name())
			go func() {
				<-s.arrived
				cancel()
			}()
			req := r.request(http.MethodGet, "/", nil).WithContext(ctx)
			req.Header.Set("X-Front", t.Name())
			if resp, err := client.Do(req); err == nil {
				resp.Body.Close()
				t.Error("got a response")
			}
			r.line("code=H27")
			await(t, "the app to learn it", s.gone)
		})
	})
}

func TestBothFrontsPassOnHeaders(t *testing.T) {
	t.Parallel()
	onBothFronts(t, Options{}, served(func(w http.ResponseWriter, req *http.Request) {
		h := req.Header
		w.Header()["X-Seen"] = []string{
			h.Get("X-Forwarded-For"), h.Get("X-Request-Id"), h.Get("X-Custom"), h.Get("X-Forwarded-Host"), h.Get("Te"), req.Host,
		}
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
	}), func(t *testing.T, r *rig, client *http.Client) {
		req := r.request(http.MethodGet, "/", nil)
		for name, v := range map[string]string{"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Host": "evil", "X-Request-Id": "id", "X-Custom": "kept", "Te": "trailers"} {
			req.Header.Set(name, v)
		}
		resp, _ := r.do(client, req)
		if got := strings.Join(resp.Header["X-Seen"], ","); got != "127.0.0.1,id,kept,,trailers,a.localhost" {
			t.Errorf("the app saw %q", got)
		}
		if strings.Join(resp.Header["Set-Cookie"], ",") != "a=1,b=2" || resp.Header["X-Hop"] != nil || resp.Header.Get("Date") == "" {
			t.Errorf("got %v", resp.Header)
		}
	})
}

func TestHTTP2InPiecesIsHandedOn(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route())
	c, br := r.raw("")
	for _, b := range []byte(preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00") { // with empty SETTINGS
		if _, err := c.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	frame := make([]byte, 9)
	if _, err := io.ReadFull(br, frame); err != nil || frame[3] != 4 {
		t.Errorf("got %x, %v", frame, err)
	}
}

// Connections whose bytes are not the socket's are read another way.
func TestHTTP1OverTLS(t *testing.T) {
	t.Parallel()
	tlsServer := httptest.NewUnstartedServer(nil)
	tlsServer.StartTLS() // for its certificate
	defer tlsServer.Close()
	l := newLive(Timeouts{}.withDefaults(), router.FilesIn(t.TempDir()))
	l.swap(router.Table{Routes: []paas.Route{served(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("X-Proto", req.Header.Get("X-Forwarded-Proto"))
		echo(w, req)
	})(t)}})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := newHandler(Options{Timeouts: Timeouts{}.withDefaults(), Log: slog.New(slog.DiscardHandler)}, l, newRing(10, 1000), inner.Addr())
	f := newHTTP1(h, nil)
	done := make(chan error, 1)
	go func() {
		done <- f.serve(tls.NewListener(inner, &tls.Config{Certificates: tlsServer.TLS.Certificates, NextProtos: []string{"http/1.1"}}))
	}()
	tr := tlsServer.Client().Transport.(*http.Transport).Clone()
	client := &http.Client{Transport: tr, Timeout: patience}
	for _, size := range []int64{0, 5, 5, 10 << 20} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+inner.Addr().String()+"/", zeros(size))
		if err != nil {
			t.Fatal(err)
		}
		req.Host, req.ContentLength = "a.localhost", size
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if n != size || err != nil || resp.Header.Get("X-Proto") != "https" {
			t.Errorf("got %d bytes of %d, %v, %v", n, size, err, resp.Header)
		}
	}
	tr.CloseIdleConnections()
	_ = inner.Close()
	if err := f.shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := await(t, "the end", done); err != nil {
		t.Error(err)
	}
	l.drainAll(t.Context())
}
