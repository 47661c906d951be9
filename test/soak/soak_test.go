package soak

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
	"paas/test/report"
)

// What the soak does: in all, and before what the rest is held against.
const (
	apps         = 5
	deploys      = 500
	firstDeploys = 20
	perSecond    = 10 // requests to each app, all the time
)

// BenchmarkSoak is F-7: after 500 deploys everything is as it was after the first 20. The programs are those that users get.
func BenchmarkSoak(b *testing.B) {
	root, err := platform.Root()
	if err != nil {
		b.Fatal(err)
	}
	s := &soak{b: b, engine: platform.StartEngine(b, platform.EngineOptions{})}
	s.p = platform.Start(b, platform.Options{Engine: s.engine, Bin: filepath.Join(root, "bin"), Troubled: true})
	for range apps {
		s.apps = append(s.apps, &worker{
			app: s.p.App(b, platform.Fixture{Procfile: "web: /probe web\nworker: /probe clock\n"}), steady: len(s.apps) == steady, web: 1,
		})
	}
	s.work(apps) // there is something to ask now
	s.underLoad(firstDeploys)
	first := s.sample()
	s.underLoad(deploys)
	last := s.sample()

	t := table{first: first, last: last, took: s.took, requests: s.requests, mix: s.mix()}
	t.goroutines = s.goroutines()
	t.left, t.restarted = s.destroy()
	fmt.Println(t.text())
	for _, flaw := range t.flaws() {
		b.Error(flaw)
	}
	if doc := os.Getenv("SOAK_DOC"); doc != "" {
		if err := report.Replace(doc, "soak", "\n"+t.text()+"\n"); err != nil {
			b.Error(err)
		}
	}
}

// steady is the app that has no crashes: not one request to it may fail.
const steady = 0

type soak struct {
	b        *testing.B
	p        *platform.Platform
	engine   *platform.Engine
	apps     []*worker
	requests int           // to the steady app
	took     time.Duration // the deploys under load
}

// worker is an app and what it has been through.
type worker struct {
	app    *platform.App
	steady bool // without crashes

	web                                                int // instances, by scale
	releases, pushes, rollbacks, scales, crashes, done int
}

// underLoad works, while all apps are asked all the time. Those that crash may fail to answer; of the steady one not a
// single request may.
func (s *soak) underLoad(total int) {
	s.b.Helper()
	began := time.Now()
	defer func() { s.took += time.Since(began) }()
	loads := make([]*platform.Load, len(s.apps))
	for i, w := range s.apps {
		loads[i] = w.app.Load("/", platform.Rate{Kept: perSecond})
	}
	s.work(total)
	for i, load := range loads {
		if i == steady {
			s.requests += load.StopClean(s.b).Sent
			continue
		}
		load.Stop()
	}
}

// work goes on until there were that many deploys in all, the apps side by side.
func (s *soak) work(total int) {
	s.b.Helper()
	var all sync.WaitGroup
	errs := make([]error, len(s.apps))
	for i, w := range s.apps {
		all.Go(func() {
			for w.done < total/len(s.apps) && errs[i] == nil {
				w.done++
				errs[i] = w.deploy(w.done)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		s.b.Fatal(err)
	}
}

// deploy is the nth deploy of an app, and what else is due then.
func (w *worker) deploy(n int) error {
	switch {
	case n%25 == 1:
		w.pushes++
		w.app.Write("n", fmt.Sprint(n))
		w.app.Commit(fmt.Sprint("Number ", n))
		if err := ok(w.app.Run("git", "push", "paas", "main")); err != nil {
			return err
		}
	case n%20 == 10:
		w.rollbacks++
		if err := ok(w.app.Run("paas", "rollback")); err != nil {
			return err
		}
	default:
		w.releases++
		if err := ok(w.app.Run("paas", "config:set", fmt.Sprint("N=", n))); err != nil {
			return err
		}
	}
	if n%10 == 5 {
		w.scales++
		w.web = 1 + n/10%3
		if err := ok(w.app.Run("paas", "scale", fmt.Sprint("web=", w.web), fmt.Sprint("worker=", n/10%2))); err != nil {
			return err
		}
	}
	if n%15 == 7 && !w.steady {
		w.crashes++
		w.app.Get("/crash")
	}
	return nil
}

func ok(r platform.Result) error {
	if r.Code != 0 {
		return fmt.Errorf("exit code %d\n%s", r.Code, r)
	}
	return nil
}

// mix tells what the deploys were, and what else was done.
func (s *soak) mix() string {
	var t worker
	for _, w := range s.apps {
		t.releases += w.releases
		t.pushes += w.pushes
		t.rollbacks += w.rollbacks
		t.scales += w.scales
		t.crashes += w.crashes
	}
	return fmt.Sprintf("%d config changes, %d pushes, %d rollbacks; besides %d scalings and %d crashes", t.releases, t.pushes, t.rollbacks, t.scales, t.crashes)
}
