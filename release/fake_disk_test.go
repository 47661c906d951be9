package release

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"paas"
)

const gigabyte = paas.Bytes(1_000_000_000)

// fakeDisk is what the fake engine keeps besides instances. Each image has a layer of its own, of 1 MB, and one of 100 MB
// that all images share.
type fakeDisk struct {
	mu      sync.Mutex
	full    bool // of the store
	missing paas.Bytes
	cache   paas.Bytes
	prunes  []paas.Bytes // what was to be kept, each time
	left    []string
	inUse   map[string]bool // images that somebody else's container stands on
	tooBig  string          // the slot whose instance the engine has no space for
	secret  bool            // the engine does not tell its disk usage
}

func (d *fakeDisk) room() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.full {
		return paas.NoSpace(nil, "on the test's disk")
	}
	return nil
}

func (d *fakeDisk) lacks(context.Context) paas.Bytes {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.missing
}

func (d *fakeDisk) fits(slot string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slot == d.tooBig {
		return paas.NoSpace(nil, "on the Docker engine's disk")
	}
	return nil
}

func (d *fakeDisk) set(change func(d *fakeDisk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}

// kept are the bounds that the cache was pruned to so far.
func (d *fakeDisk) kept() []paas.Bytes {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.prunes)
}

func (f *fakeRuntime) Images(_ context.Context, app string) ([]paas.StoredImage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var images []paas.StoredImage
	for _, id := range slices.Sorted(maps.Keys(f.images)) {
		if app == "" || f.images[id] == app {
			images = append(images, paas.StoredImage{ID: id, App: f.images[id]})
		}
	}
	return images, f.away()
}

func (f *fakeRuntime) RemoveImage(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.disk.inUse[id] {
		return paas.Errorf(paas.Conflict, "image %s is in use", id)
	}
	delete(f.images, id)
	return nil
}

// store puts images of an app on the engine.
func (f *fakeRuntime) store(app string, ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		f.images[id] = app
	}
}

// stored are the images that the engine has.
func (f *fakeRuntime) stored() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.images))
}

func (f *fakeRuntime) DiskUsage(context.Context) (paas.DiskUsage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.secret {
		return paas.DiskUsage{}, syscall.EIO
	}
	usage := paas.DiskUsage{BuildCache: f.disk.cache, Images: map[string]paas.Bytes{}, Instances: map[string]paas.Bytes{}}
	for id := range f.images {
		usage.Images[id] = 1_000_000
		usage.Layers += 1_000_000
	}
	if len(f.images) > 0 {
		usage.Layers += 100_000_000
	}
	for id := range f.instances {
		usage.Instances[id] = 5000
	}
	return usage, f.away()
}

func (f *fakeRuntime) Leftovers(context.Context, time.Duration) ([]string, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	left := f.disk.left
	f.disk.left = nil
	return left, nil
}

func (f *fakeRuntime) PruneBuildCache(_ context.Context, keep paas.Bytes) (int, paas.Bytes, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.prunes = append(f.disk.prunes, keep)
	freed := max(0, f.disk.cache-keep)
	f.disk.cache -= freed
	if freed == 0 {
		return 0, 0, nil
	}
	return 3, freed, nil
}

// fullStore is a store that may have no space for the ends of deployments.
type fullStore struct {
	Store
	full *atomic.Bool
}

func (s fullStore) FinishRelease(app string, version int, o paas.Outcome, change func(*paas.App)) (paas.App, error) {
	if s.full.Load() {
		return paas.App{}, paas.NoSpace(syscall.ENOSPC, "for paas.db")
	}
	return s.Store.FinishRelease(app, version, o, change)
}
