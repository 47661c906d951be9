package proxy

import (
	"bytes"
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
	t *testing.T
}

// speakHTTP2 opens one, on conn, that lets the router send as much as it wants.
func speakHTTP2(t *testing.T, conn net.Conn) framed {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	f := framed{http2.NewFramer(conn, conn), t}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.must(f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}))
	f.must(f.WriteWindowUpdate(0, 1<<30))
	return f
}

func (f framed) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// get sends a request without a body.
func (f framed) get(path string) {
	f.t.Helper()
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a.localhost"}, {":path", path}} {
		f.must(e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}))
	}
	f.must(f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}))
}

// status waits for the response's.
func (f framed) status() string {
	f.t.Helper()
	for {
		frame, err := f.ReadFrame()
		f.must(err)
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			return frame.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return frame.ErrCode.String()
		}
	}
}

func TestHTTP2TargetIsAPath(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, echo)))
	for _, path := range []string{"http://b.localhost/", "*", "a:b"} {
		conn, _ := r.raw("")
		f := speakHTTP2(t, conn)
		f.get(path)
		if got := f.status(); got == "200" {
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
	speakHTTP2(t, conn).get("/")
	await(t, "the end of the request at the app", ended)
	r.line("status=200")
}
