package proxy

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"paas"
	"paas/router"
)

// held waits until so many requests wait for the app.
func (r *rig) held(n int) {
	r.t.Helper()
	r.live.mu.Lock()
	q := &r.live.shares["a"].held
	r.live.mu.Unlock()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); ; {
		q.mu.Lock()
		have := q.n
		q.mu.Unlock()
		if have == n {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			r.t.Fatalf("%d requests wait, not %d", have, n)
		}
	}
}

// asking sends a request and returns where its status comes.
func (r *rig) asking(path string) <-chan int {
	status := make(chan int, 1)
	client := r.client()
	go func() {
		resp, err := client.Do(r.request(http.MethodPost, path, nil))
		if err != nil {
			status <- 0
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		status <- resp.StatusCode
	}()
	return status
}

func booted(addr ...paas.Backend) paas.Route {
	rt := route()
	if rt.Backends = addr; len(addr) == 0 {
		rt.Backends, rt.Down = []paas.Backend{}, "H20"
	}
	return rt
}

func TestRequestsWaitForAnAppThatBoots(t *testing.T) {
	t.Parallel()
	app := paas.Backend{Instance: "web.1", Addr: serveApp(t, echo)}
	r := start(t, Options{}, booted())
	answers := []<-chan int{r.asking("/1"), r.asking("/2")}
	r.held(2)
	r.put(booted(app))
	for _, status := range answers {
		if got := <-status; got != 200 {
			t.Errorf("got %d", got)
		}
	}
	r.held(0)
}

func TestRequestsThatWaitTooLongAreToldSo(t *testing.T) {
	t.Parallel()
	r := start(t, Options{Timeouts: Timeouts{Hold: 50 * time.Millisecond}}, booted())
	if resp, _ := r.get("/"); resp.StatusCode != 503 || resp.Header.Get("X-Paas-Error") != "H20" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	r.held(0)
}

func TestAnAppThatStaysDownAnswersThoseWhoWait(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, booted())
	status := r.asking("/")
	r.held(1)
	crashed := booted()
	crashed.Down = "H10"
	r.put(crashed)
	if got := <-status; got != 503 {
		t.Errorf("got %d", got)
	}
}

func TestOnlySoManyWait(t *testing.T) {
	t.Parallel()
	app := paas.Backend{Instance: "web.1", Addr: serveApp(t, echo)}
	r := start(t, Options{}, booted())
	var answers []<-chan int
	for n := range maxHeld {
		answers = append(answers, r.asking(fmt.Sprintf("/%d", n)))
	}
	r.held(maxHeld)
	if got := <-r.asking("/more"); got != 503 {
		t.Errorf("one more: %d", got)
	}
	r.put(booted(app))
	for _, status := range answers {
		if got := <-status; got != 200 {
			t.Errorf("got %d", got)
		}
	}
}

func TestAPausedAppGetsItsRequestsLaterAndInOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var order []string
	release := make(chan bool)
	app := paas.Backend{Instance: "web.1", Addr: serveApp(t, func(_ http.ResponseWriter, req *http.Request) {
		mu.Lock()
		order = append(order, req.URL.Path)
		mu.Unlock()
		<-release
	})}
	paused := booted(app)
	paused.Paused, paused.Health = true, "/up"
	r := start(t, Options{}, paused)
	var answers []<-chan int
	for n := range 5 {
		answers = append(answers, r.asking(fmt.Sprintf("/%d", n)))
		r.held(n + 1)
	}
	if resp, _ := r.get("/up?x=1"); resp.StatusCode != 200 {
		t.Errorf("its health path: %d", resp.StatusCode)
	}
	mu.Lock()
	if len(order) != 0 {
		t.Errorf("the app got %v while it was paused", order)
	}
	mu.Unlock()
	r.put(booted(app))
	close(release)
	for _, status := range answers {
		if got := <-status; got != 200 {
			t.Errorf("got %d", got)
		}
	}
	if len(order) != 5 {
		t.Errorf("the app got %v", order)
	}
}

func TestAClientThatLeavesWaitsNoLonger(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, booted())
	conn, _ := r.raw("GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n")
	r.held(1)
	_ = conn.Close()
	r.held(0)
	r.line("at=error", "code=H27", "status=499")
}

func TestMaintenanceEndsTheWaiting(t *testing.T) {
	t.Parallel()
	r := start(t, Options{}, booted())
	status := r.asking("/")
	r.held(1)
	closed := booted()
	closed.Maintenance = true
	r.put(closed)
	if got := <-status; got != 503 {
		t.Errorf("got %d", got)
	}
	r.line("code=H80")
}

func TestRequestsThatWaitThroughManyPauses(t *testing.T) {
	t.Parallel()
	app := paas.Backend{Instance: "web.1", Addr: serveApp(t, echo)}
	r := start(t, Options{Timeouts: Timeouts{Hold: time.Hour}}, booted())
	var answers []<-chan int
	for range 20 {
		answers = append(answers, r.asking("/"))
	}
	r.held(20)
	for v := uint64(10); v < 2000; v += 2 {
		r.live.swap(router.Table{Version: v, Routes: []paas.Route{booted(app)}})
		r.live.swap(router.Table{Version: v + 1, Routes: []paas.Route{booted()}})
	}
	r.live.swap(router.Table{Version: 3000, Routes: []paas.Route{booted(app)}})
	for _, status := range answers {
		if got := await(t, "an answer", status); got != 200 {
			t.Errorf("got %d", got)
		}
	}
	r.held(0)
}
