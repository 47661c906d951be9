package router_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"paas"
	"paas/router"
)

func TestRouteIsLiveWhenApplyReturns(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	addr, _ := startRouter(t, dir)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{})
	for _, down := range []string{"H81", "H10", "H14"} {
		must(t, c.Apply(t.Context(), route("a", down)))
		if got := code(t, addr, "a"); got != down {
			t.Errorf("got %s instead of %s", got, down)
		}
	}
	must(t, c.Apply(t.Context(), route("b", "H10")))
	must(t, c.Apply(t.Context(), route(router.PlatformApp, "H10")))
	must(t, c.Retain(t.Context(), []string{"b"}))
	if a, b, p := code(t, addr, "a"), code(t, addr, "b"), code(t, addr, "paas"); a != "404" || b != "H10" || p != "H10" {
		t.Errorf("got %s, %s, %s", a, b, p)
	}
	must(t, c.Remove(t.Context(), "b"))
	must(t, c.Remove(t.Context(), "b"))
	if got := code(t, addr, "b"); got != "404" {
		t.Errorf("got %s", got)
	}
	if _, ok := c.Route("b"); ok {
		t.Error("the route is still there")
	}
}

func TestAdjustLeavesTheBackendsThatWereAppliedLast(t *testing.T) {
	t.Parallel()
	c := newController(t, tempDir(t), router.None{}, router.Options{})
	must(t, c.Adjust(t.Context(), "a", func(r *paas.Route) { r.Hosts, r.Maintenance = []string{"a.localhost"}, true }))
	if _, ok := c.Route("a"); ok {
		t.Error("an app without a route got one")
	}
	var others sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		others.Go(func() {
			for on := true; ; on = !on {
				if err := c.Adjust(t.Context(), "a", func(r *paas.Route) { r.Hosts, r.Maintenance = []string{"a.localhost", "www.example.com"}, on }); err != nil {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for port := range uint16(100) {
		r := route("a", "H14")
		r.Backends = []paas.Backend{{Instance: "web.1", Addr: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), port+1)}}
		must(t, c.Apply(t.Context(), r))
		if now, _ := c.Route("a"); now.Backends[0] != r.Backends[0] {
			t.Fatalf("%v came back after %v", now.Backends, r.Backends)
		}
	}
	close(stop)
	others.Wait()
	must(t, c.Adjust(t.Context(), "a", func(r *paas.Route) { r.Hosts, r.Maintenance = []string{"a.localhost", "www.example.com"}, true }))
	if r, _ := c.Route("a"); !r.Maintenance || len(r.Backends) != 1 || len(r.Hosts) != 2 || r.Hosts[1] != "www.example.com" {
		t.Errorf("%+v", r)
	}
}

func TestSecondClaimOfAHostLosesIt(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	addr, _ := startRouter(t, dir)
	var log bytes.Buffer
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, c.Apply(t.Context(), route("z", "H10")))
	must(t, c.Apply(t.Context(), route("b", "H10")))
	thief := route("b", "H10")
	thief.Hosts = append(thief.Hosts, "z.localhost")
	must(t, c.Apply(t.Context(), thief))
	late := route("a", "H10")
	late.Hosts = append(late.Hosts, "z.localhost")
	must(t, c.Apply(t.Context(), late))
	if z, b, a := code(t, addr, "z"), code(t, addr, "b"), code(t, addr, "a"); z != "H10" || b != "H10" || a != "H10" {
		t.Errorf("got %s, %s, %s", z, b, a)
	}
	if !strings.Contains(log.String(), "host z.localhost belongs to another app, z") {
		t.Errorf("log: %s", log.String())
	}
	must(t, c.Remove(t.Context(), "z")) // its owner gone, the next claim counts
	if z := code(t, addr, "z"); z != "H10" {
		t.Errorf("got %s", z)
	}
}

func TestApplyWaitsForARouterThatIsAway(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := c.Apply(ctx, route("a", "H14"))
	if paas.CodeOf(err) != paas.Unavailable || err.Error() != "the router does not answer" {
		t.Fatalf("got %v", err)
	}
	applied := make(chan error, 1)
	go func() { applied <- c.Apply(t.Context(), route("b", "H14")) }()
	addr, _ := startRouter(t, dir)
	must(t, <-applied)
	if a, b := code(t, addr, "a"), code(t, addr, "b"); a != "H14" || b != "H14" {
		t.Errorf("got %s, %s", a, b)
	}
}

func TestRouterThatComesBackGetsTheTable(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	_, stop := startRouter(t, dir)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{})
	background(t, c.Run)
	must(t, c.Apply(t.Context(), route("a", "H14")))
	must(t, c.Apply(t.Context(), route("a", "H10")))
	stop()
	// It comes back on a damaged disk and knows only the table before.
	must(t, os.WriteFile(filepath.Join(dir, "table.json"), []byte("{"), 0o600))
	addr, _ := startRouter(t, dir)
	eventually(t, "new table", func() bool { return code(t, addr, "a") == "H10" })
}

func TestTableWrittenButNotPutIsPutByTheNextRun(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	addr, _ := startRouter(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	killed := newController(t, dir, &fake{put: func(router.Table) error { return paas.Errorf(paas.Unavailable, "killed") }}, router.Options{})
	if err := killed.Apply(ctx, route("a", "H14")); err == nil {
		t.Fatal("no error")
	}
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{})
	background(t, c.Run)
	eventually(t, "route", func() bool { return code(t, addr, "a") == "H14" })
}

func TestTableRestoredFromABackupBecomesTheNewest(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	addr, _ := startRouter(t, dir)
	target := router.NewEmbedded(dir)
	_, err := target.Put(t.Context(), router.Table{Version: 100, Routes: []paas.Route{route("old", "H14")}})
	must(t, err)
	if _, err := target.Put(t.Context(), router.Table{Version: 99}); !errors.As(err, new(*router.StaleError)) {
		t.Errorf("got %v", err)
	}
	c := newController(t, dir, target, router.Options{})
	must(t, c.Apply(t.Context(), route("a", "H14")))
	if a, old := code(t, addr, "a"), code(t, addr, "old"); a != "H14" || old != "404" || c.Table().Version != 101 {
		t.Errorf("got %s, %s, version %d", a, old, c.Table().Version)
	}
}

func TestDamagedTableIsReportedAndThePreviousUsed(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	c := newController(t, dir, router.None{}, router.Options{})
	must(t, c.Apply(t.Context(), route("a", "H14")))
	must(t, c.Apply(t.Context(), route("b", "H14")))
	must(t, os.WriteFile(filepath.Join(dir, "table.json"), []byte("{"), 0o600))
	for range 2 { // the second time with a table written over the damaged one, which must not have become the previous
		var log bytes.Buffer
		c = newController(t, dir, router.None{}, router.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if _, ok := c.Route("a"); !ok || !strings.Contains(log.String(), "table.json") {
			t.Fatalf("log: %s", log.String())
		}
		must(t, c.Apply(t.Context(), route("c", "H14")))
		must(t, os.WriteFile(filepath.Join(dir, "table.json"), []byte("{"), 0o600))
	}
}

func TestWhatCannotBeWrittenHasNotHappened(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	puts := 0
	c := newController(t, dir, &fake{put: func(router.Table) error { puts++; return nil }}, router.Options{})
	must(t, c.Apply(t.Context(), route("a", "H14")))
	must(t, os.Rename(dir, dir+".away"))
	t.Cleanup(func() { _ = os.RemoveAll(dir + ".away") })
	if err := c.Apply(t.Context(), route("b", "H14")); err == nil || !strings.Contains(err.Error(), "save the routing table") {
		t.Errorf("got %v", err)
	}
	if _, ok := c.Route("b"); ok || puts != 1 {
		t.Errorf("route: %v, %d puts", ok, puts)
	}
	must(t, os.Rename(dir+".away", dir))
	must(t, c.Apply(t.Context(), route("c", "H14")))
	if _, ok := c.Route("b"); ok {
		t.Error("the failed route came with the next")
	}
}

func TestOnePutConfirmsManyChanges(t *testing.T) {
	t.Parallel()
	const apps = 50
	entered, release := make(chan struct{}, apps), make(chan struct{})
	var mu sync.Mutex
	var versions []uint64
	c := newController(t, tempDir(t), &fake{put: func(tb router.Table) error {
		mu.Lock()
		versions = append(versions, tb.Version)
		mu.Unlock()
		entered <- struct{}{}
		<-release
		return nil
	}}, router.Options{})
	var all sync.WaitGroup
	apply := func(i int) {
		all.Go(func() {
			if err := c.Apply(t.Context(), route(fmt.Sprintf("app%d", i), "H14")); err != nil {
				t.Error(err)
			}
		})
	}
	apply(0)
	<-entered
	for i := 1; i < apps; i++ {
		apply(i)
	}
	eventually(t, "pending changes", func() bool { return router.Pending(c) == apps-1 })
	if _, ok := c.Route("app0"); !ok { // answers while the target does not
		t.Error("no route")
	}
	close(release)
	all.Wait()
	if len(versions) != 2 || len(c.Table().Routes) != apps {
		t.Errorf("puts of %v, %d routes", versions, len(c.Table().Routes))
	}
}

func TestARouteThatIsLiveIsNotPutAgainAndOneThatIsNotIs(t *testing.T) {
	t.Parallel()
	puts, answer := 0, error(nil)
	c := newController(t, tempDir(t), &fake{put: func(router.Table) error { puts++; return answer }}, router.Options{})
	apply := func(r paas.Route, want paas.Code, wantPuts int) {
		t.Helper()
		patience := 20 * time.Second
		if want == paas.Unavailable {
			patience = 500 * time.Millisecond // which it uses up
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		puts = 0
		if err := c.Apply(ctx, r); paas.CodeOf(err) != want || (puts > 0) != (wantPuts > 0) {
			t.Errorf("%s: %v after %d puts", r.Down, err, puts)
		}
	}
	a := route("a", "H14")
	apply(a, "", 1)
	apply(a, "", 0)
	answer = paas.Errorf(paas.Unavailable, "away")
	a.Down = "H10"
	apply(a, paas.Unavailable, 1) // written, and not live
	apply(a, paas.Unavailable, 1)
	answer = nil
	apply(a, "", 1)
	apply(a, "", 0)
}

func TestChangeThatNobodyWaitsForAnyMoreIsWithdrawn(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 9), make(chan struct{})
	c := newController(t, tempDir(t), &fake{put: func(router.Table) error {
		entered <- struct{}{}
		<-release
		return nil
	}}, router.Options{})
	first := make(chan error, 1)
	go func() { first <- c.Apply(t.Context(), route("a", "H14")) }()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- c.Apply(ctx, route("b", "H14")) }()
	eventually(t, "pending change", func() bool { return router.Pending(c) == 1 })
	cancel()
	if err := <-second; paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("got %v", err)
	}
	close(release)
	must(t, <-first)
	must(t, c.Apply(t.Context(), route("c", "H14")))
	if _, ok := c.Route("b"); ok {
		t.Error("it happened all the same")
	}
}

func TestRefusedTableIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	puts := 0
	c := newController(t, tempDir(t), &fake{put: func(router.Table) error { puts++; return paas.Errorf(paas.Invalid, "no") }}, router.Options{})
	if err := c.Apply(t.Context(), route("a", "H14")); paas.CodeOf(err) != paas.Invalid || puts != 1 {
		t.Errorf("got %v after %d puts", err, puts)
	}
}

func TestDrainGivesUpOnARouterThatStaysAway(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{})
	_, err := c.Drain(t.Context(), []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:1")}, 50*time.Millisecond)
	if paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestRequestLinesReachTheSink(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	type entry struct {
		app  string
		line paas.LogLine
	}
	lines := make(chan entry, 100)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{Sink: func(app string, l paas.LogLine) { lines <- entry{app, l} }})
	background(t, c.Run)
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer app.Close()
	for range 2 { // the second time by a router that was started anew
		addr, stop := startRouter(t, dir)
		r := route("a", "")
		r.Backends = []paas.Backend{{Instance: "web.1", Addr: app.Listener.Addr().(*net.TCPAddr).AddrPort()}}
		must(t, c.Apply(t.Context(), r))
		if got := code(t, addr, "a"); got != "200" {
			t.Fatalf("got %s", got)
		}
		select {
		case e := <-lines:
			if e.app != "a" || e.line.Source != paas.LogRouter || e.line.Process != "router" || time.Since(e.line.Time) > patience ||
				!strings.HasPrefix(e.line.Text, `at=info method=GET path="/" host=a.localhost`) {
				t.Errorf("got %+v", e)
			}
		case <-time.After(patience):
			t.Fatal("no line")
		}
		stop()
	}
}

func TestRoutesAreThoseOfThePlatformsOwnRouterOnly(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	startRouter(t, dir)
	c := newController(t, dir, router.NewEmbedded(dir), router.Options{})
	must(t, c.Apply(t.Context(), route("a", "H20")))
	table, err := c.Routes(t.Context(), "a")
	if err != nil || len(table.Routes) != 1 || table.Routes[0].Code != "H20" || table.Version != c.Table().Version {
		t.Errorf("got %+v, %v", table, err)
	}
	c = newController(t, tempDir(t), router.None{}, router.Options{})
	if _, err := c.Routes(t.Context(), ""); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("without a router: %v", err)
	}
}
