package traefik

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"paas"
	"paas/router"
	"paas/router/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// program is the real Traefik, built on first use.
var program = sync.OnceValues(func() (string, error) {
	cmd := exec.CommandContext(context.Background(), "../../test/traefik.sh")
	cmd.Stderr = os.Stderr
	path, err := cmd.Output()
	return strings.TrimSpace(string(path)), err
})

// station is a Traefik with a target.
type station struct {
	*Target
	t      testing.TB
	static Static
	client *http.Client
	mu     sync.Mutex
	cmd    *exec.Cmd
}

// start runs a Traefik with the target's files, with nothing routed.
func start(t testing.TB) *station {
	t.Helper()
	return startWith(t, func(*Static, *Layout) {})
}

// startWith is start with another set-up.
func startWith(t testing.TB, change func(*Static, *Layout)) *station {
	t.Helper()
	dir := t.TempDir()
	pages := httptest.NewServer(proxy.Pages(router.FilesIn(dir)))
	t.Cleanup(pages.Close)
	s := &station{t: t, static: Static{Dir: filepath.Join(dir, "traefik"), HTTPAddr: free(t).String(), API: free(t)}}
	layout := Layout{Pages: addrOf(t, pages), Files: filepath.Join(dir, "files")}
	change(&s.static, &layout)
	s.Target = New(Options{
		Dir: s.static.Dir, API: s.static.API, Layout: layout,
		Reopen: func(context.Context) error { return s.process().Signal(syscall.SIGUSR1) },
	})
	if err := s.Prepare(); err != nil {
		t.Fatal(err)
	}
	s.client = &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(s.client.CloseIdleConnections)
	s.run()
	t.Cleanup(s.stop)
	return s
}

// run starts Traefik and waits for it to answer.
func (s *station) run() {
	s.t.Helper()
	path, err := program()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), path, s.static.Args()...)
	log, err := os.Create(filepath.Join(s.static.Dir, "traefik.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // when the test panics
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.cmd = cmd
	s.mu.Unlock()
	s.wait("Traefik", func() bool { return s.Healthy(s.t.Context()) == nil })
}

func (s *station) process() *os.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process
}

func (s *station) stop() {
	_ = s.process().Kill()
	_ = s.cmd.Wait()
	if s.t.Failed() {
		said, _ := os.ReadFile(filepath.Join(s.static.Dir, "traefik.log"))
		s.t.Logf("Traefik said:\n%s", said)
	}
}

// wait fails the test unless done comes true.
func (s *station) wait(what string, done func() bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			s.t.Fatalf("waited for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// put makes the routes live.
func (s *station) put(version uint64, routes ...paas.Route) {
	s.t.Helper()
	problems, err := s.Put(s.t.Context(), router.Table{Version: version, Routes: routes})
	if err != nil || len(problems) > 0 {
		s.t.Fatal(problems, err)
	}
}

// get asks for a host and path, such as a.test/x.
func (s *station) get(url string, header ...string) (status int, body string, h http.Header) {
	s.t.Helper()
	host, path := router.SplitDomain(url)
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.static.HTTPAddr+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Host = host
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// app is an app's route to a backend that answers its name and the path.
func app(t testing.TB, name string, hosts ...string) paas.Route {
	t.Helper()
	return served(t, name, func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", name, r.URL.RequestURI()) }, hosts...)
}

func served(t testing.TB, name string, handler http.HandlerFunc, hosts ...string) paas.Route {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return paas.Route{App: name, Name: name, Hosts: hosts, Backends: []paas.Backend{{Instance: "web.1", Addr: addrOf(t, server), Release: 1}}}
}

func addrOf(t testing.TB, s *httptest.Server) netip.AddrPort {
	t.Helper()
	addr, err := netip.ParseAddrPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

// free is an address that nobody listens at. It is none of those that the system gives to connections.
func free(t testing.TB) netip.AddrPort {
	t.Helper()
	for {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(1024+rand.IntN(9000)))
		if l, err := net.Listen("tcp", addr.String()); err == nil {
			_ = l.Close()
			return addr
		}
	}
}
