package soak

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"paas/test/platform"
	"paas/test/report"
)

// What the router's soak does.
const (
	fullLoad    = 32              // clients that ask again as soon as they are answered
	deployEvery = 5 * time.Second // one of the two apps
	lookEvery   = 10 * time.Second
	warmUp      = 6 // looks, before the one that the rest is held against
	uploadSize  = 10 << 30
)

// BenchmarkRouter keeps the router as busy as the machine lets it, for SOAK_TIME or ten minutes, while the app that is asked
// and its neighbour are deployed in turn: no request may fail, and nothing may grow.
func BenchmarkRouter(b *testing.B) {
	root, err := platform.Root()
	if err != nil {
		b.Fatal(err)
	}
	r := &routerSoak{soak: soak{b: b, p: platform.Start(b, platform.Options{Bin: filepath.Join(root, "bin")})}, lasts: 10 * time.Minute}
	if text := os.Getenv("SOAK_TIME"); text != "" {
		if r.lasts, err = time.ParseDuration(text); err != nil {
			b.Fatal(err)
		}
	}
	for range 2 {
		app := r.p.App(b, platform.Fixture{})
		app.Do("git", "push", "paas", "main")
		app.Do("paas", "scale", "web=2")
		r.apps = append(r.apps, &worker{app: app})
	}
	r.upload()
	r.run()
	fmt.Println(r.text())
	for _, row := range r.rows() {
		if !row.held {
			b.Errorf("%s: %s, then %s; it was to be %s", row.what, row.first, row.last, row.bound)
		}
	}
	if doc := os.Getenv("SOAK_DOC"); doc != "" {
		if err := report.Replace(doc, "router-soak", "\n"+r.text()+"\n"); err != nil {
			b.Error(err)
		}
	}
}

type routerSoak struct {
	soak
	lasts        time.Duration
	looks        []process
	traffic      platform.Traffic
	before, most process // of the upload: before it, and the most meanwhile
	sent         time.Duration
	deployed     int
}

// run asks, deploys and looks until the time is up.
func (r *routerSoak) run() {
	r.b.Helper()
	busy := r.apps[0].app
	load := busy.Load("/", platform.Rate{Busy: fullLoad, New: perSecond})
	end, look, deploy := time.After(r.lasts), time.NewTicker(lookEvery), time.NewTicker(deployEvery)
	defer look.Stop()
	defer deploy.Stop()
	failed := make(chan error, 1)
	deploying := make(chan struct{}, 1)
	for over := false; !over; {
		select {
		case <-look.C:
			r.looks = append(r.looks, r.process(r.routerPID()))
		case <-deploy.C:
			select {
			case deploying <- struct{}{}:
				r.deployed++
				app, n := r.apps[r.deployed%2].app, r.deployed
				go func() {
					defer func() { <-deploying }()
					if err := ok(app.Run("paas", "config:set", fmt.Sprint("N=", n))); err != nil {
						failed <- err
					}
				}()
			default: // the one before is under way: this machine is busy
			}
		case err := <-failed:
			r.b.Fatal(err)
		case <-end:
			over = true
		}
	}
	deploying <- struct{}{} // the last one has ended
	r.traffic = load.StopClean(r.b)
}

// upload sends uploadSize through the router, and looks at it meanwhile.
func (r *routerSoak) upload() {
	r.b.Helper()
	r.before = r.process(r.routerPID())
	done := make(chan error, 1)
	began := time.Now()
	go func() {
		req, err := http.NewRequest(http.MethodPost, r.apps[0].app.URL("/upload"), io.LimitReader(zeros{}, uploadSize))
		if err != nil {
			done <- err
			return
		}
		req.ContentLength = uploadSize
		client := &http.Client{Transport: r.p.Client().Transport} // without its time-out
		resp, err := client.Do(req)
		if err != nil {
			done <- err
			return
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d: %s", resp.StatusCode, answer)
		}
		done <- err
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if err != nil {
				r.b.Fatalf("the upload: %v", err)
			}
			r.sent = time.Since(began)
			return
		case <-tick.C:
			now := r.process(r.routerPID())
			r.most.memory, r.most.files = max(r.most.memory, now.memory), max(r.most.files, now.files)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (r *routerSoak) rows() []row {
	if len(r.looks) <= warmUp {
		return []row{{"looks at the router", strconv.Itoa(len(r.looks)), "", fmt.Sprintf("> %d", warmUp), false}}
	}
	first, rest := r.looks[warmUp], r.looks[warmUp:]
	most := func(of func(process) int64) int64 {
		return of(slices.MaxFunc(rest, func(a, b process) int { return int(of(a) - of(b)) }))
	}
	memory := func(p process) int64 { return p.memory }
	files := func(p process) int64 { return int64(p.files) }
	threads := func(p process) int64 { return int64(p.tasks) }
	return []row{
		{"requests failed", "", strconv.Itoa(len(r.traffic.Failures)), "0", len(r.traffic.Failures) == 0},
		more("router: memory of its own, MB, and the most of it", memory(first), most(memory), moreMemory, 1<<20),
		more("router: open files", files(first), most(files), 2*fullLoad, 1), // to instances that come and go
		more("router: threads", threads(first), most(threads), moreThreads, 1),
		more("router: memory of its own, MB, before and in an upload of 10 GB", r.before.memory, r.most.memory, moreMemory, 1<<20),
	}
}

func (r *routerSoak) text() string {
	head := fmt.Sprintf("%s, %s: %d requests from %d clients that never rest, and %d/s on new connections, in %s (%.0f a second), and %d deploys of the app that they ask and of another. The longest wait for an answer was %d ms. An upload of 10 GB took %s (%.0f MB/s, the app hashes it).\n\n",
		time.Now().UTC().Format(time.DateOnly), report.Machine(), r.traffic.Sent, fullLoad, perSecond, r.lasts, float64(r.traffic.Sent)/r.lasts.Seconds(), r.deployed,
		max(r.traffic.BusyWait, r.traffic.Stall()).Milliseconds(), r.sent.Round(time.Second), uploadSize/1e6/r.sent.Seconds())
	return head + rowsText("after a minute", "the most since", r.rows())
}
