package faults

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"paas/test/platform"
)

// F-3 where the disk that is full is Docker's: what needs room on it fails and says so, apps are served, and all is well
// once there is room again.
func TestF3DockersDiskIsFull(t *testing.T) {
	e, p := ownEngine(t, true, "F-3", "Docker's disk is full: what needs room says so, apps are served, all is well when there is room again", platform.EngineOptions{Disk: 512 << 20})
	app := p.App(platform.Fixture{})
	app.Push()
	app.Do("paas", "scale", "web=2")
	before := wantFleet(t, p.Platform, app.Name, "1", "web.1", "web.2")
	load := app.Load("/", steady)

	fill(t, filepath.Join(e.Root(), "filler"))
	app.Write("big", string(make([]byte, 1<<20)))
	app.Commit("Second")
	app.Run("git", "push", "paas", "main").Want(1).Says("no space left", "paas gc")
	for _, args := range [][]string{{"config:set", "A=1"}, {"scale", "web=3"}, {"restart"}, {"run", "/probe", "who"}} {
		app.Run(append([]string{"paas"}, args...)...).Want(7).Says("no space left on the Docker engine's disk", "paas gc")
	}
	app.Do("paas", "ps").Says("web.1\tup\tv1", "web.2\tup\tv1")
	if after := wantFleet(t, p.Platform, app.Name, "1", "web.1", "web.2"); !maps.Equal(before, after) {
		p.Errorf("other containers run than before: %v, %v", before, after)
	}

	if err := os.Remove(filepath.Join(e.Root(), "filler")); err != nil {
		p.Fatal(err)
	}
	app.Push().Says("is live")
	clean(p, load)
}

// fill writes a file until the disk has no room for another byte.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(f, zeros{})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// zeros never end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
