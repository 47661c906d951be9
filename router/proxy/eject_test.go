package proxy

import (
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackendThatCannotBeConnectedToIsPassedOverForLongerAndLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bad, good := &backend{}, &backend{}
		both := []*backend{bad, good}
		for _, wait := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			bad.shun()
			<-time.After(wait*time.Second - time.Millisecond)
			if !bad.isShunned() || pick(both, nil) != good {
				t.Fatalf("it came back within %v", wait*time.Second)
			}
			<-time.After(2 * time.Millisecond)
			if bad.isShunned() {
				t.Fatalf("it is still passed over after %v", wait*time.Second)
			}
		}
		if ok, probe := bad.claim(); !ok || !probe {
			t.Error("nobody may try it")
		}
		if ok, _ := bad.claim(); !bad.isShunned() || !ok { // ok: for one that has nowhere else to go
			t.Error("a second one tries it meanwhile")
		}
		bad.works()
		if ok, probe := bad.claim(); bad.isShunned() || !ok || probe {
			t.Error("it works, and is passed over")
		}
	})
}

// The request that tries whether a backend is back ends that by its own end, whatever that was.
func TestBackendThatComesBackServesAgain(t *testing.T) {
	t.Parallel()
	addr, free := refusingUntil(t)
	r := start(t, Options{}, route(addr, serveApp(t, func(http.ResponseWriter, *http.Request) {})))
	client := r.client()
	bad := r.live.lookup("a.localhost", "/").backends[0]
	ask := func() {
		t.Helper()
		if resp, _ := r.do(client, r.request(http.MethodGet, "/", nil)); resp.StatusCode != 200 {
			t.Fatalf("got %d %v", resp.StatusCode, resp.Header)
		}
	}
	failTwice := func() {
		t.Helper()
		for n := int32(1); n <= 2; n++ {
			bad.shunned.Store(0) // its time is up
			eventually(t, "another try", func() bool { ask(); return bad.failures.Load() == n })
			if bad.probing.Load() {
				t.Error("its probe never ended")
			}
		}
	}
	failTwice()
	if n := r.scrape()[`paas_router_ejections_total{app="a"}`]; n != 1 {
		t.Errorf("%v ejections of a backend that was passed over all the time", n)
	}
	free()
	l, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{}, 1)
	back := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case served <- struct{}{}:
		default:
		}
	})}
	go func() { _ = back.Serve(l) }()
	t.Cleanup(func() { _ = back.Close() })
	bad.shunned.Store(0)
	eventually(t, "a request to it", func() bool { ask(); return bad.failures.Load() == 0 })
	await(t, "the app that is back", served)
}
