package faults

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"paas/test/platform"
)

// smallDisk is a file system of a test's own, which only root can mount.
type smallDisk struct {
	t   *testing.T
	dir string
}

const megabyte = 1_000_000

func newSmallDisk(t *testing.T, megabytes int) *smallDisk {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("mode=700,size=%d", megabytes*megabyte)); err != nil {
		t.Fatalf("mount a small disk, which takes root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &smallDisk{t: t, dir: dir}
}

func (d *smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }

func (d *smallDisk) free() int64 {
	d.t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &fs); err != nil {
		d.t.Fatal(err)
	}
	return int64(fs.Bavail) * fs.Bsize
}

// leave takes all but so many megabytes; whatever else is written, it gives none back.
func (d *smallDisk) leave(megabytes int) {
	d.t.Helper()
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for d.free() > int64(megabytes)*megabyte {
		at, err := f.Seek(0, 2)
		if err != nil {
			d.t.Fatal(err)
		}
		size := max(d.free()-int64(megabytes)*megabyte, 1)
		if err := syscall.Fallocate(int(f.Fd()), 0, at, size); err != nil && !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatal(err)
		}
		if _, err := f.Seek(0, 2); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *smallDisk) empty() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}

// The disk under paasd's data full, under load: what would write says so, all else works, and not one request fails. It
// is over as soon as there is space, without a restart; and paasd starts on a full disk, too.
func TestF3TheDiskOfPaasdsDataIsFull(t *testing.T) {
	disk := newSmallDisk(t, 400)
	p := suite.ProveAlone(t, "F-3", "the disk of paasd's data is full: what would write says so, apps are served, paasd starts on it, and all is well when there is room",
		platform.Options{DataDir: disk.dir, Troubled: true})
	app := p.App(platform.Fixture{Procfile: "web: /probe web\nworker: /probe worker\n"})
	app.Push()
	app.Do("paas", "scale", "worker=1")
	crashes := p.App(platform.Fixture{})
	crashes.Push()
	load := app.Load("/", steady)

	disk.leave(100)
	app.Commit("No room to build")
	spaceless(t, app.Run("git", "push", "paas", "main"), 1, "and a build wants 256 MB")
	app.Do("paas", "builds").Says("2\tfailed")
	app.Do("paas", "config:set", "A=1").Says("v2")

	disk.leave(30)
	content := make([]byte, 50*megabyte)
	_, _ = rand.Read(content) // never fails
	app.Write("big", string(content))
	app.Commit("More than there is room for")
	spaceless(t, app.Run("git", "push", "paas", "main"), 1, "no space left for what you push")
	app.Do("git", "reset", "--hard", "--quiet", "HEAD~")

	disk.leave(10)
	spaceless(t, app.Run("git", "push", "paas", "main"), 128, "and a push wants 16 MB")

	disk.leave(0)
	full(t, p.Platform, app)
	replaced(t, p.Platform, crashes)
	load.Flow(t, 2*steady.Kept) // whose log lines find no space
	disk.empty()
	app.Do("paas", "config:set", "A=2").Says("v3")
	app.Push().Says("v4 is live")
	platform.WaitFor(t, 20*time.Second, "the log to say what it lacks", func() error {
		if out := app.Run("paas", "logs", "-n", "100000").Stdout; !strings.Contains(out, "lines lost: no space left") {
			return fmt.Errorf("%d bytes of log do not", len(out))
		}
		return nil
	})

	disk.leave(0)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Serve(); err != nil {
		t.Fatal(err)
	}
	full(t, p.Platform, app)
	disk.empty()
	app.Commit("There is room")
	app.Push().Says("v5 is live")
	clean(p, load)
	app.Do("paas", "releases:verify").Says("5 releases")
	if said := p.Platform.Log(); strings.Contains(said, "panic") {
		t.Error(said)
	}
}

// spaceless wants a command that the disk has no space for to fail, and to say what frees some.
func spaceless(t *testing.T, r platform.Result, code int, text string) {
	t.Helper()
	r.Want(code).Says("no space left", text, "paas gc")
}

// full looks at an app on a disk without a byte left.
func full(t *testing.T, p *platform.Platform, app *platform.App) {
	t.Helper()
	spaceless(t, app.Run("paas", "config:set", "B=1"), 7, "")
	spaceless(t, p.Run(t, "paas", "apps:create", "--no-remote", "other"), 7, "")
	spaceless(t, app.Run("git", "push", "paas", "main"), 128, "")
	for _, read := range []string{"apps", "ps", "config", "releases", "builds", "domains", "logs", "keys"} {
		app.Do("paas", read)
	}
	app.Do("paas", "gc").Says("Freed")
	app.Get("/").Must(t, 200, "web.1 v")
}

// replaced kills an app's one instance, and wants requests to find its successor.
func replaced(t *testing.T, p *platform.Platform, app *platform.App) {
	t.Helper()
	before, err := p.Containers(app.Name)
	if err != nil || len(before) != 1 {
		t.Fatalf("%v, %v", before, err)
	}
	if _, err := p.Docker("kill", before[0].ID); err != nil {
		t.Fatal(err)
	}
	platform.WaitFor(t, 30*time.Second, "the successor to answer", func() error {
		after, err := p.Containers(app.Name)
		if err != nil {
			return err
		}
		if len(after) != 1 || after[0].ID == before[0].ID {
			return fmt.Errorf("there are %v", after)
		}
		return app.Get("/").Want(200, "web.1 v1")
	})
}
