package proxy

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"paas"
	"paas/router"
	"paas/router/certs"
	"paas/test/acme"
)

// startACME runs a router that gets its certificates from an authority.
func startACME(t *testing.T, authority *acme.Authority, opts Options, routes ...ownRoute) *rig {
	t.Helper()
	opts.Certs.Directory, opts.Certs.Roots = authority.Directory, authority.CAPool()
	r := startTLS(t, opts, routes...)
	authority.Look(t, portIn(r.Addr()), portIn(r.SecureAddr()))
	return r
}

func portIn(addr net.Addr) int { return addr.(*net.TCPAddr).Port }

// closedPort is one where nothing listens.
func closedPort(t *testing.T) int { return int(refusing(t).Port()) }

func TestCertificateIsObtainedAtTheFirstHandshake(t *testing.T) {
	t.Parallel()
	for name, ports := range map[string]func(t *testing.T, a *acme.Authority, r *rig){
		"HTTP-01": func(t *testing.T, a *acme.Authority, r *rig) { a.Look(t, portIn(r.Addr()), closedPort(t)) },
		"TLS-ALPN-01": func(t *testing.T, a *acme.Authority, r *rig) {
			a.Look(t, closedPort(t), portIn(r.SecureAddr()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authority := acme.Start(t, 0)
			opts := Options{Dir: shortDir(t), Certs: certs.Options{Dir: t.TempDir()}}
			rt := served(func(w http.ResponseWriter, req *http.Request) {
				fmt.Fprint(w, req.Header.Get("X-Forwarded-Proto"), " ", req.Header.Get("X-Forwarded-Port"))
			})(t)
			rt.Routing.HTTPS = paas.HTTPSRedirect // which the challenge must not meet
			r := startACME(t, authority, opts, ownRoute{Route: rt})
			ports(t, authority, r)

			var all sync.WaitGroup
			for range 10 { // who come at the same time share one order
				all.Go(func() {
					if _, err := r.handshake(authority.RootPool(), "a.localhost"); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			_, port, _ := net.SplitHostPort(r.SecureAddr().String())
			resp, body := r.do(r.tlsClient(authority.RootPool(), "a.localhost", "http/1.1"), r.request(http.MethodGet, "/", nil))
			if resp.StatusCode != 200 || body != "https "+port {
				t.Errorf("got %d %q", resp.StatusCode, body)
			}
			r.line("protocol=https")
			orders := authority.Orders(t)
			if orders > 2 { // a second one where the other kind of challenge was tried first
				t.Errorf("%d orders", orders)
			}
			state := r.certs1(t)
			if state.Host != "a.localhost" || !strings.Contains(state.Issuer, "Pebble") || time.Until(state.Expires) < 24*time.Hour || state.Error != "" {
				t.Errorf("got %+v", state)
			}

			r.stop()
			r = startACME(t, authority, opts, ownRoute{Route: rt})
			if _, err := r.handshake(authority.RootPool(), "a.localhost"); err != nil {
				t.Error(err)
			}
			if again := authority.Orders(t); again != orders {
				t.Errorf("a restart made %d orders", again-orders)
			}
			r.put() // no host, no certificate
			if _, err := r.handshake(authority.RootPool(), "a.localhost"); err == nil {
				t.Error("the host has no route, and yet a certificate")
			}
		})
	}
}

// certs1 is how it stands with the certificate of the one host of app "a".
func (r *rig) certs1(t *testing.T) router.CertState {
	t.Helper()
	answer, err := r.target.Certs(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if !answer.On || len(answer.Hosts) != 1 {
		t.Fatalf("got %+v", answer)
	}
	return answer.Hosts[0]
}

func TestUnknownNamesAreRefusedWithoutAnOrder(t *testing.T) {
	t.Parallel()
	authority := acme.Start(t, 0)
	rt := route()
	rt.Hosts = []string{"a.localhost", "*.wild.test", "a.localhost/api"}
	r := startACME(t, authority, Options{}, ownRoute{Route: rt})
	for _, host := range []string{"b.localhost", "x.wild.test", "wild.test", "127.0.0.1", "", "a.localhost.evil.test"} {
		_, err := r.handshake(authority.RootPool(), host)
		if _, alert := errors.AsType[tls.AlertError](err); !alert && !strings.Contains(fmt.Sprint(err), "unrecognized name") && host != "" {
			t.Errorf("%q: got %v", host, err)
		}
	}
	if n := authority.Orders(t); n != 0 {
		t.Errorf("%d orders", n)
	}
}

// The public authority is not asked for names that it cannot know; this test would fail with the network at hand, too.
func TestPublicAuthorityIsNotAskedForLocalNames(t *testing.T) {
	t.Parallel()
	r := startTLS(t, Options{Certs: certs.Options{Roots: newOwnCert(t, time.Hour, "none.test").pool}}, ownRoute{Route: route()})
	if _, err := r.handshake(nil, "a.localhost"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("got %v", err)
	}
	if state := r.certs1(t); !state.Impossible || state.Error != "" {
		t.Errorf("got %+v", state)
	}
}

func TestFailureToObtainIsShownAndNotTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	authority := acme.Start(t, 0)
	opts := Options{Dir: shortDir(t), Certs: certs.Options{Dir: t.TempDir()}}
	rt := route()
	rt.Hosts = []string{"a.nowhere.test"}
	r := startACME(t, authority, opts, ownRoute{Route: rt})
	for range 5 {
		if _, err := r.handshake(authority.RootPool(), "a.nowhere.test"); err == nil {
			t.Error("got a certificate")
		}
	}
	orders := authority.Orders(t)
	if orders == 0 || orders > 2 { // one for each kind of challenge
		t.Errorf("%d orders", orders)
	}
	r.stop()
	r = startACME(t, authority, opts, ownRoute{Route: rt})
	if _, err := r.handshake(authority.RootPool(), "a.nowhere.test"); err == nil {
		t.Error("got a certificate")
	}
	state := r.certs1(t)
	if !strings.Contains(state.Error, "a.nowhere.test") || !state.NextTry.After(time.Now()) || !state.Expires.IsZero() {
		t.Errorf("got %+v", state)
	}
	if again := authority.Orders(t); again != orders {
		t.Errorf("%d orders more after a restart", again-orders)
	}
	r.put() // the domain is taken away and comes again
	r.put(rt)
	if state := r.certs1(t); state.Error != "" {
		t.Errorf("got %+v", state)
	}
	_, _ = r.handshake(authority.RootPool(), "a.nowhere.test")
	if again := authority.Orders(t); again == orders {
		t.Error("it is not tried again")
	}
}

func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	authority := acme.Start(t, 6*time.Second)
	r := startACME(t, authority, Options{Certs: certs.Options{RenewEvery: 50 * time.Millisecond}}, ownRoute{Route: route()})
	first, err := r.handshake(authority.RootPool(), "a.localhost")
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "another certificate", func() bool {
		now, err := r.handshake(authority.RootPool(), "a.localhost")
		if err != nil {
			t.Fatal(err) // at no time is there none
		}
		return now.PeerCertificates[0].SerialNumber.Cmp(first.PeerCertificates[0].SerialNumber) != 0
	})
}

func TestOwnCertificateGoesBeforeAnObtainedOne(t *testing.T) {
	t.Parallel()
	authority := acme.Start(t, 0)
	own, wild := newOwnCert(t, time.Hour, "a.localhost"), newOwnCert(t, time.Hour, "*.wild.test")
	expired := newOwnCert(t, -time.Hour, "b.localhost")
	dir := shortDir(t)
	a, b := route(), route()
	a.Hosts = []string{"a.localhost", "*.wild.test"}
	a.Certificates = []string{strings.Repeat("0", 64)} // which is not there: the rest goes live
	b.App, b.Hosts = "b", []string{"b.localhost"}
	r := startACME(t, authority, Options{Dir: dir}, ownRoute{a, []ownCert{own, wild}}, ownRoute{b, []ownCert{expired}})
	for host, c := range map[string]ownCert{"a.localhost": own, "x.wild.test": wild} {
		if _, err := r.handshake(c.pool, host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := authority.Orders(t); n != 0 {
		t.Errorf("%d orders", n)
	}
	if _, err := r.handshake(authority.RootPool(), "b.localhost"); err != nil {
		t.Errorf("in the place of the expired one: %v", err)
	}
	problems, err := r.target.Put(t.Context(), router.Table{Version: r.version.Add(1), Routes: r.live.table().Routes})
	if err != nil || len(problems) != 1 || problems[0].App != "a" || !strings.HasPrefix(problems[0].Text, "a certificate cannot be used: the router has no file 000") {
		t.Errorf("got %v, %v", problems, err)
	}
}

func TestChallengePathBelongsToTheAppWhereNothingIsChallenged(t *testing.T) {
	t.Parallel()
	r := startTLS(t, Options{}, ownRoute{Route: served(func(w http.ResponseWriter, req *http.Request) {
		fmt.Fprint(w, "app ", req.URL.Path)
	})(t)})
	if resp, body := r.get(certs.ChallengePath + "token"); resp.StatusCode != 200 || body != "app "+certs.ChallengePath+"token" {
		t.Errorf("got %d %q", resp.StatusCode, body)
	}
}

func TestRedirectToHTTPSNamesThePort(t *testing.T) {
	t.Parallel()
	rt := route()
	rt.Routing.HTTPS = paas.HTTPSRedirect
	r := startTLS(t, Options{}, ownRoute{Route: rt})
	_, port, _ := net.SplitHostPort(r.SecureAddr().String())
	resp, _ := r.get("/x?y=1")
	if want := "https://a.localhost:" + port + "/x?y=1"; resp.StatusCode != 308 || resp.Header.Get("Location") != want {
		t.Errorf("got %d %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}

func TestProtocolIsAgreedOn(t *testing.T) {
	t.Parallel()
	own := newOwnCert(t, time.Hour, "*.localhost")
	r := startTLS(t, Options{}, own.on(served(func(w http.ResponseWriter, req *http.Request) {
		fmt.Fprint(w, req.Header.Get("X-Forwarded-Proto"))
	})(t)))
	for protocol, major := range map[string]int{"http/1.1": 1, "h2": 2} {
		resp, body := r.do(r.tlsClient(own.pool, "a.localhost", protocol), r.request(http.MethodGet, "/", nil))
		if resp.ProtoMajor != major || resp.TLS == nil || resp.TLS.Version < tls.VersionTLS12 || body != "https" {
			t.Errorf("%s: got %s %q", protocol, resp.Proto, body)
		}
	}
	other, err := tls.Dial("tcp", r.SecureAddr().String(), &tls.Config{RootCAs: own.pool, ServerName: "a.localhost", NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(other, preface); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(other); len(got) > 0 || isTimeout(err) {
		t.Errorf("one that was not agreed on: got %q, %v", got, err)
	}
	conn, err := tls.Dial("tcp", r.SecureAddr().String(), &tls.Config{RootCAs: own.pool, ServerName: "a.localhost", MaxVersion: tls.VersionTLS11})
	if err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestSlowHandshakeIsCut(t *testing.T) {
	t.Parallel()
	own := newOwnCert(t, time.Hour, "*.localhost")
	r := startTLS(t, Options{Timeouts: Timeouts{Header: 100 * time.Millisecond}}, own.on(route()))
	for _, begin := range []string{"", "\x16\x03\x01"} {
		c, err := net.Dial("tcp", r.SecureAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, begin); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, net.ErrClosed) || isTimeout(err) {
			t.Errorf("%q: %v", begin, err)
		}
	}
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// A router that stops does not wait for an authority.
func TestStopEndsTheWaitForACertificate(t *testing.T) {
	t.Parallel()
	silent := serveRawTCP(t)
	u := url.URL{Scheme: "https", Host: silent, Path: "/dir"}
	r := startTLS(t, Options{Certs: certs.Options{Directory: u.String()}}, ownRoute{Route: route()})
	done := make(chan error, 1)
	go func() {
		_, err := r.handshake(nil, "a.localhost")
		done <- err
	}()
	eventually(t, "the wait", func() bool { return r.certs.Load().Underway() == 1 })
	r.stop()
	if err := await(t, "its end", done); err == nil {
		t.Error("got a certificate")
	}
}

// serveRawTCP takes connections and says nothing.
func serveRawTCP(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String() // the backlog takes them
}

func TestWebsocketOverTLS(t *testing.T) {
	t.Parallel()
	own := newOwnCert(t, time.Hour, "*.localhost")
	r := startTLS(t, Options{Timeouts: Timeouts{Drain: 50 * time.Millisecond}}, own.on(route(chat(t))))
	c, resp, err := websocket.Dial(t.Context(), "ws://"+r.Addr().String()+"/ws", &websocket.DialOptions{
		Host: "a.localhost", HTTPClient: r.tlsClient(own.pool, "a.localhost", "http/1.1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.TLS == nil {
		t.Errorf("got %s", resp.Status)
	}
	r.say(c, "hello")
	r.say(c, strings.Repeat("x", 30_000))
	go r.stop()
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("at the end: %v", err)
	}
}

func TestTakeoverHasTheListenerForTLS(t *testing.T) {
	t.Parallel()
	authority := acme.Start(t, 0)
	r := startACME(t, authority, Options{Dir: shortDir(t)}, ownRoute{Route: route(serveApp(t, echo))})
	table, err := json.Marshal(r.live.table()) // which one that serves again reads from the disk
	if err == nil {
		err = os.WriteFile(filepath.Join(r.opts.Dir, "table.json"), table, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.handshake(authority.RootPool(), "a.localhost"); err != nil {
		t.Fatal(err)
	}
	client, orders := r.tlsClient(authority.RootPool(), "a.localhost", "http/1.1"), authority.Orders(t)
	for _, name := range []string{"second", "third"} {
		next := r.next(name)
		if next.SecureAddr().String() != r.SecureAddr().String() {
			t.Errorf("it moved to %s", next.SecureAddr())
		}
		if resp, body := next.do(client, next.request(http.MethodPost, "/", strings.NewReader("hi"))); resp.StatusCode != 200 || body != "hi" {
			t.Errorf("got %d %q", resp.StatusCode, body)
		}
		if name == "third" { // the second has it back
			next.stop()
		} else {
			r.stop()
			r = next
		}
		if _, err := r.handshake(authority.RootPool(), "a.localhost"); err != nil {
			t.Error(err)
		}
	}
	if again := authority.Orders(t); again != orders {
		t.Errorf("%d orders more", again-orders)
	}
}
