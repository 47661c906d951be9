package proxy

import (
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// seen is what an app got of a request.
type seen struct {
	header  http.Header
	host    string
	uri     string
	length  int64
	te      []string
	body    string
	trailer http.Header
}

// mirror is an app that hands each request to the test.
func mirror(t *testing.T) (netip.AddrPort, <-chan seen) {
	t.Helper()
	got := make(chan seen, 10)
	addr := serveApp(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- seen{r.Header, r.Host, r.RequestURI, r.ContentLength, r.TransferEncoding, string(body), r.Trailer}
	})
	return addr, got
}

func (r *rig) mirrored(got <-chan seen, raw string) seen {
	r.t.Helper()
	c, br := r.raw(raw)
	defer c.Close()
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		r.t.Fatalf("got %s", resp.Status)
	}
	return await(r.t, "the request", got)
}

func TestAppSeesWhoAsked(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{}, route(addr))
	before := time.Now().UnixMilli()
	s := r.mirrored(got, "GET /p%2Fq?x=1;y=\"2\" HTTP/1.1\r\nHost: A.localhost:8080\r\nX-Request-Id: abc-123\r\nX-Custom: kept\r\n\r\n")
	_, port, _ := strings.Cut(r.Addr().String(), ":")
	want := map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Port": port, "X-Request-Id": "abc-123", "X-Custom": "kept",
	}
	for name, v := range want {
		if s.header.Get(name) != v || len(s.header[name]) != 1 {
			t.Errorf("%s: %q", name, s.header[name])
		}
	}
	if ms, err := strconv.ParseInt(s.header.Get("X-Request-Start"), 10, 64); err != nil || ms < before || ms > time.Now().UnixMilli() {
		t.Errorf("X-Request-Start: %q", s.header["X-Request-Start"])
	}
	if s.host != "A.localhost:8080" || s.uri != `/p%2Fq?x=1;y="2"` {
		t.Errorf("got %q %q", s.host, s.uri)
	}
	if _, has := s.header["User-Agent"]; has {
		t.Errorf("a User-Agent was added: %v", s.header)
	}
	r.line(`path="/p%2Fq?x=1;y=\"2\""`, "host=a.localhost", "request_id=abc-123", `fwd="127.0.0.1"`, "instance=web.1", "protocol=http")
}

func TestClientsCannotForgeWhoAsked(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{}, route(addr))
	s := r.mirrored(got, "GET / HTTP/1.1\r\nHost: a.localhost\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\n"+
		"X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=1.2.3.4\r\n"+
		"X-Real-Ip: 1.2.3.4\r\nX-Request-Start: 1\r\nX_Forwarded_For: 1.2.3.4\r\nx-forwarded_proto: https\r\nX_Request_Id: evil\r\n"+
		"X-Request-Id: has space\r\nConnection: X-Forwarded-For, X-Request-Id, close\r\n\r\n")
	for name, values := range s.header {
		for _, v := range values {
			if strings.Contains(v, "1.2.3.4") || strings.Contains(v, "evil") || v == "https" || v == "443" {
				t.Errorf("%s: %s", name, v)
			}
		}
	}
	if s.header.Get("X-Forwarded-For") != "127.0.0.1" || !wellFormed(s.header.Get("X-Request-Id")) {
		t.Errorf("got %v", s.header)
	}
}

func TestTrustedProxyMaySayWhoAsked(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, route(addr))
	s := r.mirrored(got, "GET / HTTP/1.1\r\nHost: a.localhost\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n"+
		"X-Forwarded-Port: 443\r\nX-Forwarded-Host: www.example.com\r\n\r\n")
	want := []string{"1.2.3.4, 127.0.0.1", "https", "443", "www.example.com"}
	is := []string{
		s.header.Get("X-Forwarded-For"), s.header.Get("X-Forwarded-Proto"), s.header.Get("X-Forwarded-Port"), s.header.Get("X-Forwarded-Host"),
	}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Error(diff)
	}
}

func TestHopByHopFieldsStayBehind(t *testing.T) {
	t.Parallel()
	addr, got := mirror(t)
	r := start(t, Options{}, route(addr))
	s := r.mirrored(got, "GET / HTTP/1.1\r\nHost: a.localhost\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"+
		"Proxy-Authorization: Basic x\r\nProxy-Connection: x\r\nTE: trailers, deflate\r\nUpgrade: h2c\r\nAuthorization: kept\r\n\r\n")
	for _, name := range []string{"Connection", "X-Hop", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Upgrade"} {
		if s.header[name] != nil {
			t.Errorf("%s: %q", name, s.header[name])
		}
	}
	if s.header.Get("Te") != "trailers" || s.header.Get("Authorization") != "kept" {
		t.Errorf("got %v", s.header)
	}
}

func TestResponseFieldsArePassedOnAsTheyAre(t *testing.T) {
	t.Parallel()
	addr := serveRawResponse(t, "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"+
		"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 6\r\n\r\n<html>")
	r := start(t, Options{}, route(addr))
	resp, body := r.get("/")
	want := http.Header{"Set-Cookie": {"a=1", "b=2"}, "Date": {"Thu, 01 Jan 1970 00:00:00 GMT"}, "Content-Length": {"6"}}
	if diff := cmp.Diff(want, resp.Header); diff != "" || body != "<html>" {
		t.Errorf("%q %s", body, diff)
	}
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a", "0b3c-x_.:=+/~@", strings.Repeat("x", 128)} {
		if got := requestID(id); got != id {
			t.Errorf("%q became %q", id, got)
		}
	}
	for _, given := range [][]string{nil, {""}, {"a", "b"}, {"a b"}, {"a\"b"}, {"a\x00"}, {"é"}, {strings.Repeat("x", 129)}} {
		var r request
		for _, id := range given {
			r.fields = append(r.fields, field{name: "X-Request-Id", value: id, kind: kindOf("X-Request-Id")})
		}
		got := requestID(r.value(idField))
		if len(got) != 36 || !wellFormed(got) || got == requestID("") {
			t.Errorf("%q became %q", given, got)
		}
	}
}
