package release

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func listenLocal(t *testing.T) (net.Listener, netip.AddrPort) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, netip.MustParseAddrPort(l.Addr().String())
}

func TestAProbeAsksAsAClientOfTheAppWould(t *testing.T) {
	defer goleak.VerifyNone(t)
	var seen string
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = fmt.Sprint(r.Method, " ", r.Host, " ", r.URL, " ", r.UserAgent())
	}))
	defer app.Close()
	to := target{addr: netip.MustParseAddrPort(app.Listener.Addr().String()), host: "hello.localhost", path: "/up?deep=1"}
	if found := probe(t.Context(), to); !found.none() {
		t.Error(found)
	}
	if want := "GET hello.localhost /up?deep=1 paas-check"; seen != want {
		t.Errorf("it asked %q, want %q", seen, want)
	}
}

func TestOnly2xxIsHealthyAndNoRedirectIsFollowed(t *testing.T) {
	defer goleak.VerifyNone(t)
	status := 0
	followed := false
	mux := http.NewServeMux()
	mux.HandleFunc("/up", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/there")
		w.WriteHeader(status)
	})
	mux.HandleFunc("/there", func(http.ResponseWriter, *http.Request) { followed = true })
	app := httptest.NewServer(mux)
	defer app.Close()
	to := target{addr: netip.MustParseAddrPort(app.Listener.Addr().String()), host: "hello.localhost", path: "/up"}
	for code, want := range map[int]string{
		200: "", 204: "", 299: "", 301: "status 301", 302: "status 302", 307: "status 307", 304: "status 304", 404: "status 404", 500: "status 500", 503: "status 503",
	} {
		status = code
		found := probe(t.Context(), to)
		if found.what != want || found.listens == found.none() {
			t.Errorf("%d: %+v", code, found)
		}
	}
	if followed {
		t.Error("a redirect was followed")
	}
	to.path = ""
	status = 500
	if found := probe(t.Context(), to); !found.none() {
		t.Errorf("without a path it is enough that it listens: %v", found)
	}
}

func TestAProbeSaysWhatItMet(t *testing.T) {
	defer goleak.VerifyNone(t)
	l, gone := listenLocal(t)
	l.Close()
	for _, path := range []string{"", "/up"} {
		if found := probe(t.Context(), target{addr: gone, path: path}); found != (trouble{what: "connection refused"}) {
			t.Errorf("nobody listens, path %q: %+v", path, found)
		}
	}
	for name, answer := range map[string]string{"closes": "", "speaks no HTTP": "220 mail.example ESMTP\r\n"} {
		l, addr := listenLocal(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
				fmt.Fprint(conn, answer)
				conn.Close()
			}
		}()
		if found := probe(t.Context(), target{addr: addr, path: "/up"}); found != (trouble{what: "no HTTP answer", listens: true}) {
			t.Errorf("%s: %+v", name, found)
		}
		l.Close()
		<-done
	}
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer endless.Close()
	began := time.Now()
	to := target{addr: netip.MustParseAddrPort(endless.Listener.Addr().String()), path: "/up"}
	if found := probe(t.Context(), to); !found.none() || time.Since(began) >= answerProbe {
		t.Errorf("an endless answer, after %s: %v", time.Since(began), found)
	}
	_, silent := listenLocal(t) // takes connections, since the backlog does, and says nothing
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if found := probe(ctx, target{addr: silent, path: "/up"}); found.none() || !found.listens {
		t.Errorf("silence: %+v", found)
	}
}
