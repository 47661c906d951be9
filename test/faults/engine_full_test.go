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
func TestDockersDiskIsFull(t *testing.T) {
	t.Parallel()
	e, p := ownEngine(t, platform.EngineOptions{Disk: 512 << 20})
	app := p.App(t, platform.Fixture{})
	app.Push()
	app.Do("paas", "scale", "web=2")
	before := wantFleet(t, p, app.Name, "1", "web.1", "web.2")
	load := app.Load("/", 50)

	fill(t, filepath.Join(e.Root(), "filler"))
	app.Write("big", string(make([]byte, 1<<20)))
	app.Commit("Second")
	app.Run("git", "push", "paas", "main").Want(1).Says("no space left", "docker system df")
	for _, args := range [][]string{{"config:set", "A=1"}, {"scale", "web=3"}, {"restart"}, {"run", "/probe", "who"}} {
		app.Run(append([]string{"paas"}, args...)...).Want(7).Says("no space left on the disk of the Docker engine", "docker system df")
	}
	app.Do("paas", "ps").Says("web.1\tup\tv1", "web.2\tup\tv1")
	if after := wantFleet(t, p, app.Name, "1", "web.1", "web.2"); !maps.Equal(before, after) {
		t.Errorf("other containers run than before: %v, %v", before, after)
	}

	if err := os.Remove(filepath.Join(e.Root(), "filler")); err != nil {
		t.Fatal(err)
	}
	app.Push().Says("is live")
	load.StopClean(t)
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
