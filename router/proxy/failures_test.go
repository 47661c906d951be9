package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"paas"
	"paas/router"
)

func down(code string) func(*testing.T) paas.Route {
	return func(*testing.T) paas.Route {
		r := route()
		r.Down = code
		return r
	}
}

func dying(handle func(c net.Conn, br *bufio.Reader)) func(*testing.T) paas.Route {
	return func(t *testing.T) paas.Route {
		return route(serveRaw(t, func(_ int, c net.Conn, br *bufio.Reader) { handle(c, br) }))
	}
}

// deaf is the address of a listener whose queue is full: it takes no connection and refuses none.
func deaf(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*syscall.SockaddrInet4).Port))
	for {
		c, err := net.DialTimeout("tcp", addr.String(), 100*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { _ = c.Close() })
	}
}

func TestEveryFailureHasItsCodeStatusPageAndLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		route  func(*testing.T) paas.Route
		status int
		code   string
		desc   string
	}{
		{"crashed", down("H10"), 503, "H10", "App crashed"},
		{"no web instance", down("H14"), 503, "H14", "No web processes running"},
		{"no reason given", down(""), 503, "H14", "No web processes running"},
		{"booting", down("H20"), 503, "H20", "App boot in progress"},
		{"nothing deployed", down("H81"), 503, "H81", "Blank app"},
		{"maintenance with backends", func(t *testing.T) paas.Route {
			r := route(serveApp(t, func(http.ResponseWriter, *http.Request) { t.Error("reached the app") }))
			r.Maintenance = true
			return r
		}, 503, "H80", "Maintenance mode"},
		{"maintenance while down", func(*testing.T) paas.Route {
			r := route()
			r.Down, r.Maintenance = "H10", true
			return r
		}, 503, "H80", "Maintenance mode"},
		{"refused", func(t *testing.T) paas.Route { return route(refusing(t)) }, 502, "H21", "Backend connection refused"},
		{"no connection in time", func(t *testing.T) paas.Route { return route(deaf(t)) }, 504, "H19", "Backend connection timeout"},
		{"closed at once", dying(func(c net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
		}), 502, "H13", "Connection closed without response"},
		{"closed in the header", dying(func(c net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-")
		}), 502, "H13", "Connection closed without response"},
		{"no first byte in time", dying(func(c net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = br.ReadByte()
		}), 504, "H12", "Request timeout"},
		{"not HTTP", dying(func(c net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n\r\n")
		}), 502, "H17", "Poorly formatted HTTP response"},
		{"endless response header", dying(func(c net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Long: "+strings.Repeat("x", 2*maxHeader)+"\r\n\r\n")
		}), 502, "H17", "Poorly formatted HTTP response"},
		{"switching unasked", dying(func(c net.Conn, br *bufio.Reader) {
			_, _ = readHead(br)
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		}), 502, "H17", "Poorly formatted HTTP response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, Options{Timeouts: Timeouts{Connect: 100 * time.Millisecond, FirstByte: 100 * time.Millisecond, Hold: 100 * time.Millisecond}}, tt.route(t))
			resp, body := r.get("/")
			if resp.StatusCode != tt.status || resp.Header.Get("X-Paas-Error") != tt.code {
				t.Errorf("got %d %q", resp.StatusCode, resp.Header.Get("X-Paas-Error"))
			}
			if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || !strings.Contains(body, tt.code) {
				t.Errorf("page: %s %s", resp.Header.Get("Content-Type"), body)
			}
			if resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("header: %v", resp.Header)
			}
			r.line("at=error", "code="+tt.code, `desc="`+tt.desc+`"`, "host=a.localhost", "request_id="+resp.Header.Get("X-Request-Id"))
		})
	}
}

func TestFailureIsJSONForWhoAsksForIt(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, down("H14")(t))
	req := r.request(http.MethodGet, "/", nil)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Request-Id", "my-id")
	resp, body := r.do(r.client(), req)
	var f router.Failure
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		t.Fatal(err)
	}
	if resp.Header.Get("Content-Type") != "application/json" || resp.Header.Get("X-Paas-Error") != "H14" {
		t.Errorf("header: %v", resp.Header)
	}
	if f.Error.Code != paas.Unavailable || f.Error.Message != "no web process of the application is running" ||
		f.Error.Hint != "paas scale web=1" || f.Error.ID != "my-id" {
		t.Errorf("got %+v", f)
	}
}

func TestAcceptsJSON(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": true, "Application/JSON; q=0.9": true, "application/problem+json": true,
		"text/html, application/json": false, "application/json, text/html": true, "text/plain": false,
	} {
		if got := acceptsJSON([]field{{name: "Accept", value: accept}}); got != want {
			t.Errorf("%q: got %v", accept, got)
		}
	}
}

func TestClientGoneBeforeTheResponse(t *testing.T) {
	t.Parallel()
	arrived, gone := make(chan struct{}), make(chan struct{})
	r := start(t, Options{}, route(serveApp(t, func(_ http.ResponseWriter, req *http.Request) {
		close(arrived)
		<-req.Context().Done()
		close(gone)
	})))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if resp, err := r.client().Do(r.request(http.MethodGet, "/slow", nil).WithContext(ctx)); err == nil {
		resp.Body.Close()
		t.Fatal("got a response")
	}
	await(t, "the backend to learn it", gone)
	r.line("at=error", "code=H27", "status=499", `path="/slow"`)
}

func TestClientGoneInTheResponse(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	r := start(t, Options{}, route(serveApp(t, func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		<-req.Context().Done()
		close(gone)
	})))
	c, br := r.raw("GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 200 {
		t.Fatalf("got %v, %v", resp, err)
	}
	_ = c.Close()
	await(t, "the backend to learn it", gone)
	r.line("code=H27", "status=499", "bytes=4")
}

func TestBackendDyingInTheBodyIsSeenAsTruncated(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{"length": "Content-Length: 100\r\n\r\nhalf", "chunked": "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, Options{}, dying(func(c net.Conn, br *bufio.Reader) {
				_, _ = readHead(br)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"+head)
			})(t))
			resp, err := r.client().Do(r.request(http.MethodGet, "/", nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if string(body) != "half" || err == nil {
				t.Errorf("got %q, %v", body, err)
			}
			r.line("at=error", "code=H18", "status=200", "bytes=4")
		})
	}
}

func TestSilenceInABodyIsCut(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Idle: 100 * time.Millisecond}}, dying(func(c net.Conn, br *bufio.Reader) {
		_, _ = readHead(br)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nhalf")
		_, _ = br.ReadByte()
	})(t))
	resp, err := r.client().Do(r.request(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil || string(body) != "half" {
		t.Errorf("got %q, %v", body, err)
	}
	r.line("code=H15", "status=200")
}

func TestFaultInTheRouterIsH99(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, route())
	broken := &app{id: "a", share: &share{}, backends: []*backend{nil, nil}}
	r.live.current.Store(&routes{sites: sites{"a.localhost": {app: broken}}, replaced: make(chan struct{})})
	resp, _ := r.get("/")
	if resp.StatusCode != 500 || resp.Header.Get("X-Paas-Error") != "H99" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
	r.line("code=H99", "status=500")
}
