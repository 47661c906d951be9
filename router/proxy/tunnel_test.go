package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// chat is an app that echoes the messages of a websocket until the client closes it.
func chat(t *testing.T) netip.AddrPort {
	return serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		c, err := websocket.Accept(w, req, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		for {
			typ, msg, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), typ, msg) != nil {
				return
			}
		}
	})
}

func (r *rig) dial() *websocket.Conn {
	r.t.Helper()
	c, resp, err := websocket.Dial(r.t.Context(), "ws://"+r.Addr().String()+"/ws", &websocket.DialOptions{
		Host: "a.localhost", HTTPClient: r.client(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		r.t.Fatalf("got %s", resp.Status)
	}
	r.t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func (r *rig) say(c *websocket.Conn, text string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		r.t.Fatal(err)
	}
	if _, msg, err := c.Read(ctx); err != nil || string(msg) != text {
		r.t.Fatalf("got %.20q, %v", msg, err)
	}
}

func TestWebsocket(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(chat(t)))
	c := r.dial()
	r.say(c, "hello")
	r.say(c, strings.Repeat("x", 30<<10))
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	r.line("at=info", "status=101", `path="/ws"`)
}

func TestWebsocketStaysOverChangesOfTheTable(t *testing.T) {
	t.Parallel()
	addr := chat(t)
	r := start(t, Options{}, route(addr))
	c := r.dial()
	other := route(chat(t))
	other.App, other.Hosts = "b", []string{"b.localhost"}
	for range 10 {
		r.put(route(addr), other)
		r.say(c, "still here")
		r.put(route(addr))
	}
	r.put(other) // even where its own app is gone: only drain ends it
	r.say(c, "still here")
}

func TestIdleTunnelIsCut(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Idle: 100 * time.Millisecond}}, route(chat(t)))
	c := r.dial()
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("read a message")
	}
	r.line("code=H15", "status=101")
}

func TestOtherUpgradesAndHalfClose(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
		head, _ := readHead(br)
		if !strings.Contains(head, "Upgrade: tcp\r\n") || !strings.Contains(head, "Connection: Upgrade\r\n") {
			t.Errorf("got %q", head)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nwelcome ")
		all, _ := io.ReadAll(br) // to the client's half close
		fmt.Fprintf(c, "got %q", all)
	})))
	c, br := r.raw("GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: upgrade\r\nUpgrade: tcp\r\n\r\nearly ")
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "tcp" {
		t.Fatalf("got %v, %v", resp, err)
	}
	_, _ = io.WriteString(c, "late")
	_ = c.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(br); err != nil || string(rest) != `welcome got "early late"` {
		t.Errorf("got %q, %v", rest, err)
	}
}

func TestRefusedUpgradeIsAnOrdinaryResponse(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) })))
	_, br := r.raw("GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
	if resp, body := readResponse(t, br); resp.StatusCode != 403 || body != "no\n" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
}

// On a connection switched to HTTP/2 an app would take requests, for any host, that the router never sees.
func TestNoTunnelToHTTP2(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{}, route(addr))
	for _, up := range []string{"h2c", "H2C", "websocket, h2c", "HTTP/2.0"} {
		s := r.mirrored(got, "GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\nUpgrade: "+up+"\r\n\r\n")
		if s.header["Upgrade"] != nil || s.header["Http2-Settings"] != nil {
			t.Errorf("%s: %v", up, s.header)
		}
	}
}

func TestWebsocketIsToldToGoAtTheEndOfADrain(t *testing.T) {
	t.Parallel()
	left := make(chan error, 1)
	addr := serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		c, err := websocket.Accept(w, req, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		for err == nil {
			var msg []byte
			if _, msg, err = c.Read(context.Background()); err == nil {
				err = c.Write(context.Background(), websocket.MessageText, msg)
			}
		}
		left <- err
	})
	r := start(t, Options{}, route(addr))
	c := r.dial()
	r.say(c, "hello")
	r.say(c, strings.Repeat("x", 30<<10))
	r.put(route())
	end := r.drain(50*time.Millisecond, addr)
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client got %v", err)
	}
	if err := await(t, "the app's end", left); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the app got %v", err)
	}
	if d := await(t, "the drain", end); d.cut != 1 || d.err != nil {
		t.Errorf("got %+v", d)
	}
	r.line("code=H18", "status=101")
}

// Within a frame the router's own would be taken for a part of it, and other protocols have no such frame.
func TestTunnelsThatCannotBeToldAreCut(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ protocol, sent string }{
		"within a frame":  {"websocket", "\x81\x05hel"},
		"within a header": {"websocket", "\x81\x02hi\x82\x7e\x01"},
		"after a close":   {"websocket", "\x88\x02\x03\xe8"},
		"unknown":         {"tcp", "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) {
				_, _ = readHead(br)
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+tt.protocol+"\r\n\r\n"+tt.sent)
				_, _ = io.Copy(io.Discard, br)
			})
			r := start(t, Options{}, route(addr))
			_, br := r.raw("GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: Upgrade\r\nUpgrade: " + tt.protocol + "\r\n\r\n")
			if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 101 {
				t.Fatalf("got %v, %v", resp, err)
			}
			got := make([]byte, len(tt.sent))
			if _, err := io.ReadFull(br, got); err != nil || string(got) != tt.sent {
				t.Fatalf("got %q, %v", got, err)
			}
			r.put(route())
			if d := await(t, "the drain", r.drain(0, addr)); d.cut != 1 || d.err != nil {
				t.Errorf("got %+v", d)
			}
			if rest, _ := io.ReadAll(br); len(rest) > 0 {
				t.Errorf("then got %q", rest)
			}
		})
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	var f frames
	for _, tt := range []struct {
		bytes   string
		between bool
	}{
		{"", true},
		{"\x81\x00", true},
		{"\x81", false},
		{"\x03ab", false},
		{"c\x89\x80", false},
		{"mas", false},
		{"k", true},
		{"\x82\x7e\x01\x00" + strings.Repeat("x", 256), true},
		{"\x82\xfe\x00\x7e" + "mask" + strings.Repeat("x", 125), false},
		{"x", true},
		{"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + strings.Repeat("x", 1<<16), true},
		{"\x88\x00", false},
		{"\x81\x00", false},
	} {
		f.pass([]byte(tt.bytes))
		if f.between() != tt.between {
			t.Errorf("after %.20q: got %v", tt.bytes, f.between())
		}
	}
}
