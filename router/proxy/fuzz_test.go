package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// tape is a connection that plays what it was given, some bytes at a time, and keeps what is written.
type tape struct {
	net.Conn
	in   []byte
	step int
	out  bytes.Buffer
}

func (c *tape) Read(p []byte) (int, error) {
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.step)], c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *tape) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *tape) SetReadDeadline(time.Time) error  { return nil }
func (c *tape) SetWriteDeadline(time.Time) error { return nil }
func (c *tape) SetDeadline(time.Time) error      { return nil }
func (c *tape) Close() error                     { return nil }

// forwarded is what a backend would get of the first request in raw, the request as the router understood it, and what
// it left unread. code says why there is none.
func forwarded(raw []byte, step int) (out string, req *request, rest []byte, _ code) {
	h := &handler{timeouts: Timeouts{}.withDefaults(), log: slog.New(slog.DiscardHandler), port: "80"}
	from, to := &tape{in: raw, step: step}, &tape{}
	c := &client{sock: newSock(from, small), f: newHTTP1(h, nil)}
	head, problem := c.readHead(true)
	if problem == "" && (head == "" || head == preface) {
		problem = badRequest
	}
	c.req = newRequest()
	if problem == "" {
		problem = c.req.parse(head)
	}
	if problem != "" {
		return "", nil, nil, problem
	}
	c.body.begin(c.sock, c.req.length)
	ex := newExchange(h, c, c.req, "192.0.2.1")
	ex.app = &app{}
	to.out.Write(ex.appendHead(nil))
	if ex.takeEarly() {
		to.out.Write(ex.early)
	} else {
		u := &upload{ex: ex, c: &conn{sock: newSock(to, large)}, from: c.source()}
		if !u.copy() {
			return "", nil, nil, u.code()
		}
	}
	return to.out.String(), c.req, append(append([]byte(nil), c.unread()...), from.in...), ""
}

var requestSeeds = []string{
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /x?y=%zz HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.1\r\n",
	"\r\nGET http://b/c HTTP/1.1\nHost: a\nX-Folded: a\n b\n\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\nrest",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\nConnection: Content-Length, Host\r\nContent-Length: 1\r\n\r\n0",
	"OPTIONS * HTTP/1.1\r\nHost: a:80\r\nX-Forwarded-For: 1.2.3.4\r\nTE: trailers\r\n\r\n",
	"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
	"PUT /\xff HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Host\r\n\r\n1\r\nx\r\nA\r\n0123456789\r\n0\r\nHost: b\r\nX-Sum: 2\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	preface + "\x00\x00\x00\x04",
}

// FuzzRequest holds that the router and net/http understand a request alike where both take it, and that what a backend
// gets can be read in one way only.
func FuzzRequest(f *testing.F) {
	for _, s := range requestSeeds {
		f.Add([]byte(s), 1)
		f.Add([]byte(s), 4096)
	}
	f.Fuzz(func(t *testing.T, raw []byte, step int) {
		out, req, rest, problem := forwarded(raw, max(1, step))
		if problem != "" {
			return
		}
		body := checkUnmistakable(t, out, req)
		theirs, theirBody, theirRest, err := readByNetHTTP(raw)
		if err != nil {
			return
		}
		if theirs.Method != req.method || strings.TrimRight(theirs.Host, " \t") != req.host || !sameTarget(theirs, req) {
			t.Errorf("%s %q at %q, to net/http %s %q at %q", req.method, req.target, req.host, theirs.Method, theirs.RequestURI, theirs.Host)
		}
		if (req.length == chunked) != (theirs.ContentLength < 0) || req.length >= 0 && req.length != theirs.ContentLength {
			t.Errorf("%d bytes, to net/http %d", req.length, theirs.ContentLength)
		}
		if theirBody != body || theirRest != string(rest) {
			t.Errorf("body %q, then %q; to net/http %q, then %q", body, rest, theirBody, theirRest)
		}
	})
}

func readByNetHTTP(raw []byte) (req *http.Request, body, rest string, err error) {
	br := bufio.NewReader(bytes.NewReader(raw))
	if req, err = http.ReadRequest(br); err != nil {
		return nil, "", "", err
	}
	b, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, "", "", err
	}
	r, err := io.ReadAll(br)
	return req, string(b), string(r), err
}

func sameTarget(theirs *http.Request, req *request) bool {
	switch uri := theirs.RequestURI; {
	case uri[0] == '/' || uri == "*":
		return uri == req.target
	case req.method == http.MethodConnect:
		return uri == req.target
	default:
		return strings.HasSuffix(uri, req.target) || req.target == "/" || req.target == "*" || strings.HasSuffix("/"+uri, req.target) ||
			strings.HasSuffix(uri, req.target[1:])
	}
}

// checkUnmistakable reads what a backend gets as the strictest one does, and returns the body.
func checkUnmistakable(t *testing.T, out string, req *request) (body string) {
	t.Helper()
	head, _, ok := strings.Cut(out, "\r\n\r\n")
	if !ok {
		t.Fatalf("no end of the header in %q", out)
	}
	lines := strings.Split(head, "\r\n")
	if want := req.method + " " + req.target + " HTTP/1.1"; lines[0] != want || strings.ContainsAny(head, "\x00\x0b") {
		t.Fatalf("%q became %q", want, head)
	}
	count := map[string]int{}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || !isToken(name) || !validValue(value) || trimBlank(value) != value {
			t.Fatalf("line %q", line)
		}
		count[strings.ReplaceAll(strings.ToLower(name), "_", "-")]++
	}
	upgrades := 0
	if req.upgrade != "" {
		upgrades = 1
	}
	for name, want := range map[string]int{
		"host": 1, "x-forwarded-for": 1, "x-forwarded-proto": 1, "x-forwarded-port": 1, "x-request-id": 1, "x-request-start": 1,
		"x-forwarded-host": 0, "forwarded": 0, "connection": upgrades, "upgrade": upgrades, "keep-alive": 0, "proxy-connection": 0,
	} {
		if count[name] != want {
			t.Fatalf("%d of %s in %q", count[name], name, head)
		}
	}
	if count["content-length"]+count["transfer-encoding"] > 1 || req.length != 0 && count["content-length"]+count["transfer-encoding"] == 0 {
		t.Fatalf("no one framing in %q", head)
	}
	again, body, rest, err := readByNetHTTP([]byte(out))
	if err != nil && (req.method != http.MethodConnect && req.host != "") {
		t.Fatalf("%q does not read: %v", out, err)
	}
	if err == nil && (rest != "" || again.Method != req.method || again.RequestURI != req.target && req.target != "*" || again.Host != req.host && req.method != http.MethodConnect) {
		t.Fatalf("%q reads as %s %q at %q, then %q", out, again.Method, again.RequestURI, again.Host, rest)
	}
	mine, read, mineRest, problem := forwarded([]byte(out), 4096)
	if problem != "" || len(mineRest) > 0 || read.method != req.method || read.host != req.host || read.target != req.target {
		t.Fatalf("%q reads as %q, then %q: %v", out, mine, mineRest, problem)
	}
	return body
}

// FuzzBody holds that a chunked body reads alike however it arrives, and as net/http reads it where both do.
func FuzzBody(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), 3)
	f.Add([]byte("a;x=y\r\n0123456789\r\n1\r\nx\r\n0\r\nX: y\r\n\r\nrest"), 1)
	f.Add([]byte("00005\r\nhello\r\n000\r\n\n"), 100)
	f.Add([]byte("5 \r\nhello\r\n0\r\nbad\r\n\r\n"), 7)
	f.Fuzz(func(t *testing.T, raw []byte, step int) {
		read := func(step int) (content, rest string, _ error) {
			c := &tape{in: raw, step: step}
			var b body
			b.begin(newSock(c, small), chunked)
			var got bytes.Buffer
			for {
				p, err := b.take()
				got.Write(p)
				switch {
				case errors.Is(err, io.EOF):
					return got.String(), string(b.s.unread()) + string(c.in), nil
				case err == nil && len(p) == 0:
					err = b.fill()
				}
				if err != nil {
					return "", "", err
				}
			}
		}
		once, onceRest, err := read(len(raw) + 1)
		parts, partsRest, partsErr := read(max(1, step))
		if (err == nil) != (partsErr == nil) || once != parts || onceRest != partsRest {
			t.Fatalf("at once %q, %q, %v; in parts %q, %q, %v", once, onceRest, err, parts, partsRest, partsErr)
		}
		_, body, rest, theirErr := readByNetHTTP(append([]byte("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), raw...))
		if err == nil && theirErr == nil && (once != body || onceRest != rest) {
			t.Fatalf("%q, then %q; to net/http %q, then %q", once, onceRest, body, rest)
		}
	})
}
