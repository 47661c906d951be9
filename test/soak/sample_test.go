package soak

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"paas/test/platform"
)

// sample is what the platform occupies while nothing is under way.
type sample struct {
	deploys                      int
	paasd, router                process
	containers, images, networks int   // beyond those that have to be there
	builds                       int   // that have an image
	store, logs, data            int64 // bytes on disk: the store, the logs, and all of the data directory but the repositories
}

// process is what the kernel says of one.
type process struct {
	memory       int64 // resident and its own, in bytes
	files, tasks int   // open descriptors, threads
}

// sample waits until all drains are over, and then looks.
func (s *soak) sample() sample {
	s.b.Helper()
	s.settle()
	s.quiet()
	found := sample{
		paasd: s.process(s.p.PID()), router: s.process(s.routerPID()), images: s.count("images", "--quiet", "--no-trunc"), networks: s.count("network", "ls", "--quiet") - apps,
		containers: s.count("ps", "--all", "--quiet") - 1,
		store:      s.bytes("paas.db"), logs: s.bytes("logs"), data: s.bytes(".") - s.bytes("repos"),
	}
	for _, w := range s.apps {
		found.deploys += w.done
		found.builds += w.pushes
		found.containers -= w.web + w.workers()
	}
	found.images -= found.builds + 1 // the router's
	return found
}

// workers is how many the last scaling left.
func (w *worker) workers() int {
	if w.scales == 0 {
		return 0
	}
	return (w.done - 5) / 10 % 2
}

// settleTime is what drains, grace periods and held back restarts may take.
const settleTime = 3 * time.Minute

// settle waits until every instance is up and none more is there.
func (s *soak) settle() {
	s.b.Helper()
	for _, w := range s.apps {
		platform.WaitFor(s.b, settleTime, w.app.Name+" to settle", func() error {
			all, err := s.p.Containers(w.app.Name)
			if err != nil {
				return err
			}
			if want := w.web + w.workers(); len(all) != want {
				return fmt.Errorf("%d containers, not %d", len(all), want)
			}
			if r := w.app.Run("paas", "ps"); strings.Count(r.Stdout, "\tup\t") != len(all) {
				return fmt.Errorf("%s", r)
			}
			return nil
		})
	}
}

// quietTime is more than the router keeps a connection that nobody uses.
const quietTime = 40 * time.Second

// quiet waits until the router has let go of the connections that the load has left.
func (s *soak) quiet() {
	s.b.Helper()
	last, since := -1, time.Now()
	platform.WaitFor(s.b, 4*quietTime, "the router to be quiet", func() error {
		if now := s.process(s.routerPID()).files; now != last {
			last, since = now, time.Now()
		}
		if still := time.Since(since); still < quietTime {
			return fmt.Errorf("%d open files for %s", last, still)
		}
		return nil
	})
}

// count is how many things of the installation a docker command lists.
func (s *soak) count(args ...string) int {
	s.b.Helper()
	out, err := s.p.Docker(append(args, "--filter", "label=paas.installation="+s.p.Installation())...)
	if err != nil {
		s.b.Fatal(err)
	}
	return len(strings.Fields(out))
}

func (s *soak) routerPID() int {
	s.b.Helper()
	out, err := s.p.Docker("inspect", "--format", "{{.State.Pid}}", "paas-router-"+s.p.Installation())
	if err != nil {
		s.b.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		s.b.Fatal(err)
	}
	return pid
}

func (s *soak) process(pid int) (p process) {
	s.b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		s.b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
		switch {
		case err != nil:
		case name == "RssAnon":
			p.memory = int64(n) << 10
		case name == "Threads":
			p.tasks = n
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		s.b.Fatal(err)
	}
	p.files = len(files)
	return p
}

// bytes is the size of a file of the data directory, or of all files below a folder of it.
func (s *soak) bytes(name string) (sum int64) {
	s.b.Helper()
	err := filepath.WalkDir(filepath.Join(s.p.DataDir(), name), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		s.b.Fatal(err)
	}
	return sum
}

// left is what is on the engine when no app is.
type left struct{ containers, images, networks int }

func (l left) any() error {
	if l != (left{}) {
		return fmt.Errorf("%d containers, %d images and %d networks are left", l.containers, l.images, l.networks)
	}
	return nil
}

// destroy destroys every app and returns what is then left of them, at once, and after a restart of Docker.
func (s *soak) destroy() (now, restarted left) {
	s.b.Helper()
	if err := s.p.Serve(); err != nil {
		s.b.Fatal(err)
	}
	for _, w := range s.apps {
		w.app.Do("paas", "apps:destroy", "--confirm", w.app.Name)
	}
	look := func() left {
		return left{
			s.count("ps", "--all", "--quiet", "--filter", "label=paas.app"), s.count("images", "--quiet", "--no-trunc") - 1, // the router's
			s.count("network", "ls", "--quiet"),
		}
	}
	wait := func() (l left) {
		if err := platform.Wait(settleTime, "the apps to be gone", func() error {
			l = look()
			return l.any()
		}); err != nil {
			s.b.Log(err)
		}
		return l
	}
	if now = wait(); now.any() == nil {
		return now, now
	}
	if err := errors.Join(s.engine.Stop(), s.engine.Start()); err != nil {
		s.b.Fatal(err)
	}
	return now, wait()
}

// counts are the goroutines of paasd and the router after all of it, and of others that have just started.
type counts struct{ paasd, router, freshPaasd, freshRouter int }

// goroutines ends both by SIGQUIT, upon which they write down what they are at; and their successors again.
func (s *soak) goroutines() (c counts) {
	s.b.Helper()
	c.paasd, c.router = s.quit()
	if err := s.p.Serve(); err != nil {
		s.b.Fatal(err)
	}
	s.settle()
	for _, w := range s.apps {
		w.app.Do("paas", "config:set", "LAST=1")
		w.app.Get("/").Must(s.b, 200)
	}
	s.settle()
	c.freshPaasd, c.freshRouter = s.quit()
	return c
}

// quit ends paasd and the router and returns how many goroutines each had.
func (s *soak) quit() (paasd, router int) {
	s.b.Helper()
	log := "paas-router-" + s.p.Installation()
	said, err := s.p.Docker("logs", log)
	if err != nil {
		s.b.Fatal(err)
	}
	logged := s.p.Log()
	for _, pid := range []int{s.p.PID(), s.routerPID()} {
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
			s.b.Fatal(err)
		}
	}
	platform.WaitFor(s.b, time.Minute, "paasd to end", func() error {
		if err := syscall.Kill(s.p.PID(), 0); !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("it runs: %w", err)
		}
		return nil
	})
	paasd = dumped(s.p.Log()) - dumped(logged)
	if err := s.p.Kill(); err != nil { // it has ended, and may be started again
		s.b.Fatal(err)
	}
	platform.WaitFor(s.b, time.Minute, "the router's goroutines", func() error {
		now, err := s.p.Docker("logs", log)
		if router = dumped(now) - dumped(said); err == nil && router == 0 {
			err = fmt.Errorf("none is in its log")
		}
		return err
	})
	return paasd, router
}

// dumped counts the goroutines in a log, as the Go runtime writes them.
func dumped(log string) int { return strings.Count(log, "\ngoroutine ") }
