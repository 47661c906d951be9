package proxy

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framed is a connection of HTTP/2 whose frames a test writes itself.
type framed struct {
	*http2.Framer
	t    *testing.T
	last uint32 // stream that the router serves
}

// speakHTTP2 opens one, on conn, that lets the router send as much as it wants.
func speakHTTP2(t *testing.T, conn net.Conn) *framed {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := &framed{Framer: http2.NewFramer(conn, conn), t: t, last: 1<<31 - 1}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.must(f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}))
	f.must(f.WriteWindowUpdate(0, 1<<30))
	return f
}

func (f *framed) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// get sends a request without a body.
func (f *framed) get(stream uint32, path string) {
	f.t.Helper()
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a.localhost"}, {":path", path}} {
		f.must(e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}))
	}
	f.must(f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}))
}

// status waits for the response's, or what else says that there is none.
func (f *framed) status(stream uint32) string {
	f.t.Helper()
	for f.last >= stream {
		frame, err := f.ReadFrame()
		f.must(err)
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			return frame.PseudoValue("status")
		case *http2.GoAwayFrame:
			f.last = frame.LastStreamID
		case *http2.RSTStreamFrame:
			return frame.ErrCode.String()
		}
	}
	return "GOAWAY"
}

func TestHTTP2TargetIsAPath(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, echo)))
	for _, path := range []string{"http://b.localhost/", "*", "a:b"} {
		conn, _ := r.raw("")
		f := speakHTTP2(t, conn)
		f.get(1, path)
		if got := f.status(1); got == "200" {
			t.Errorf("%s: got %s", path, got)
		}
	}
}

func TestHTTP2ClientThatStopsReadingIsCut(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	r := start(t, Options{Timeouts: Timeouts{Idle: 200 * time.Millisecond}}, route(serveApp(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for part := make([]byte, 64<<10); ; {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	})))
	conn, _ := r.raw("")
	speakHTTP2(t, conn).get(1, "/")
	await(t, "the end of the request at the app", ended)
	r.line("status=200")
}

func TestHandshakeUnderWayAtATakeoverIsServed(t *testing.T) {
	t.Parallel()
	cert := newOwnCert(t, time.Hour, "a.localhost")
	r := startTLS(t, Options{}, cert.on(route(serveApp(t, echo))))
	late, err := net.Dial("tcp", r.SecureAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if _, err := r.handshake(cert.pool, "a.localhost"); err != nil { // so that the one before is accepted
		t.Fatal(err)
	}
	r.next("second")
	conn := tls.Client(late, &tls.Config{RootCAs: cert.pool, ServerName: "a.localhost", NextProtos: []string{"h2"}})
	if err := conn.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := speakHTTP2(t, conn)
	f.get(1, "/")
	if got := f.status(1); got != "200" {
		t.Errorf("got %s", got)
	}
}

func TestHTTP2ConnectionHasOneMoreRequestAtATakeover(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "body") })))
	conn, _ := r.raw("")
	f := speakHTTP2(t, conn)
	f.get(1, "/")
	if got := f.status(1); got != "200" {
		t.Fatalf("got %s", got)
	}
	eventually(t, "one who hands over", func() bool { return offers(r.opts.Dir) })
	r.next("second")
	f.get(3, "/") // which comes just then, for all that the router knows
	if got := f.status(3); got != "200" {
		t.Errorf("got %s", got)
	}
	for stream, got := uint32(5), "200"; got == "200"; stream += 2 {
		f.get(stream, "/")
		if got = f.status(stream); got != "200" && got != "GOAWAY" {
			t.Errorf("got %s", got)
		}
	}
}
