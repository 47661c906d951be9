package release

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"paas"
	"paas/store"
)

// The size of the installation that the benchmarks measure: each app has a web and a worker instance.
const (
	benchApps      = 1000
	benchInstances = 2 * benchApps
)

// BenchmarkBoot measures from the opening of the store of a large installation until every app is known to be as it should
// be, and what memory the process has then.
func BenchmarkBoot(b *testing.B) {
	i := newInstallation(b)
	i.measure("boot", i.boot, func() { i.halt() })
	i.boot()
	i.sweep()
	reportMemory(b)
	i.halt()
}

// BenchmarkSweep measures one look at everything, until the reconciles that it asks for have found that nothing is to do.
func BenchmarkSweep(b *testing.B) {
	i := newInstallation(b)
	i.boot()
	i.measure("sweep", i.sweep, func() {})
	i.halt()
}

// measure reports the mean time of a round, and the time of the processors in it, which other work on the machine hardly
// changes. What comes after a round does not count.
func (i *installation) measure(name string, round, after func()) {
	var took, worked time.Duration
	for i.b.Loop() {
		began, before := time.Now(), processorTime(i.b)
		round()
		took, worked = took+time.Since(began), worked+processorTime(i.b)-before
		after()
	}
	mean := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 / float64(i.b.N) }
	i.b.ReportMetric(0, "ns/op")
	i.b.ReportMetric(mean(took), name+"-ms")
	i.b.ReportMetric(mean(worked), "processor-ms")
}

func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// reportMemory tells what lives on the heap, and all that the process has taken from the system for it; the fake engine and
// router are part of it.
func reportMemory(b *testing.B) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "heap-MB")
	b.ReportMetric(float64(m.Sys-m.HeapReleased)/1e6, "go-MB")
}

// installation is paasd's engine over a real store of many apps and a fake host where all of them run.
type installation struct {
	*Engine
	b       *testing.B
	dir     string
	db      *store.DB
	runtime *fakeRuntime
	router  *fakeRouter
	halt    func()
}

func newInstallation(b *testing.B) *installation {
	b.Helper()
	i := &installation{b: b, dir: b.TempDir(), runtime: newFakeRuntime()}
	i.open()
	ctx := context.Background()
	for n := range benchApps {
		name := fmt.Sprint("app", n)
		app := must(i.db.CreateApp(name, name+".localhost"))(b)
		rel := must(i.db.AppendRelease(paas.Release{
			App: app.ID, Description: "Deploy 1a2b3c4", User: "ada", Build: 1, Image: paas.Image{ID: "img"}, Commit: "1a2b3c4d5e", Types: hello,
		}, paas.Config{"SECRET_KEY": "0123456789abcdef", "DATABASE_URL": "postgres://db/" + name}))(b)
		app = must(i.db.FinishRelease(app.ID, rel.Version, paas.Outcome{Status: paas.ReleaseSucceeded}, func(a *paas.App) {
			a.Formation = paas.Formation{"web": 1, "worker": 1}
		}))(b)
		for slot, port := range map[string]int{"web": 5000, "worker": 0} {
			started := must(i.runtime.Start(ctx, paas.InstanceSpec{
				App: app.ID, AppName: name, Type: slot, Name: slot + ".1", Release: 1, Port: port, Image: paas.Image{ID: "img"}, Subnet: app.Subnet,
			}))(b)
			if err := i.runtime.Keep(ctx, started.ID); err != nil {
				b.Fatal(err)
			}
		}
	}
	i.close()
	return i
}

func (i *installation) open() {
	i.b.Helper()
	i.db = must(store.Open(i.dir, store.Options{}))(i.b)
}

func (i *installation) close() {
	i.b.Helper()
	if err := i.db.Close(); err != nil {
		i.b.Error(err)
	}
}

// boot starts paasd's engine and returns when everything is as desired and routed.
func (i *installation) boot() {
	i.b.Helper()
	i.open()
	i.router = &fakeRouter{routes: map[string]paas.Route{}}
	i.Engine = New(Deps{Store: i.db, Runtime: i.runtime, Router: i.router, Repos: &fakeSource{}, Builds: &fakeSource{}, Logs: &fakeLogs{}}, Options{})
	i.probe = i.runtime.probe
	if err := i.Recover(context.Background()); err != nil {
		i.b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- i.Work(ctx) }()
	i.halt = func() {
		cancel()
		if err := <-done; err != nil {
			i.b.Error(err)
		}
		i.Close()
		i.close()
	}
	i.await(func() bool { return i.routed() == benchApps })
}

func (i *installation) sweep() {
	i.b.Helper()
	if err := i.sweepOnce(context.Background()); err != nil {
		i.b.Fatal(err)
	}
	i.await(func() bool { return true })
	if len(i.runtime.starts) != benchInstances {
		i.b.Fatalf("%d starts", len(i.runtime.starts))
	}
}

// routed counts the apps whose web instance gets requests.
func (i *installation) routed() int {
	i.router.mu.Lock()
	defer i.router.mu.Unlock()
	n := 0
	for _, route := range i.router.routes {
		n += len(route.Backends)
	}
	return n
}

// await waits until no app has work to be done, and a condition holds.
func (i *installation) await(holds func() bool) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		i.lanes.mu.Lock()
		busy := len(i.lanes.byApp)
		i.lanes.mu.Unlock()
		i.dirtyMu.Lock()
		busy += len(i.dirty)
		i.dirtyMu.Unlock()
		if busy == 0 && holds() {
			return
		}
		<-tick.C
	}
}
