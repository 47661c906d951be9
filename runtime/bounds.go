package runtime

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"paas"
)

// How often the steps of a build are looked for, and the places where they may be.
const (
	boundEvery  = 10 * time.Millisecond
	searchEvery = 250 * time.Millisecond
)

// bounds hold the steps of one build to its limits. BuildKit takes no limits with a build: whatever the engine's version,
// it ignores Memory, CPUQuota and CgroupParent there, and runs each step in a cgroup of its own. That one is found by a
// marker in the environment of its processes, and bounded from outside as soon as it is there; BuildKit removes it with
// the step, so that nothing is left behind, however paasd ends. The engine has to be on this host and paasd root there.
//
// The marker is an entry of NO_PROXY, which is no host. Among the predefined build arguments it is the one that a step
// can see but that is part of neither the image nor the key of the cache.
type bounds struct {
	marker string
	limits paas.BuildLimits
	groups groups
	proc   string
	log    *slog.Logger

	parents  []string // cgroups that had steps in them
	searched time.Time
	steps    map[string]bool // cgroups of this build's steps, by path
	killed   atomic.Bool     // for want of memory
	any      atomic.Bool     // a step was bounded

	stop, done chan struct{}
}

// bound holds the build whose steps have the marker to its limits until end is called.
func (b *bounds) start() {
	b.steps, b.stop, b.done = map[string]bool{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(b.done)
		ticker := time.NewTicker(boundEvery)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				b.look(now)
			case <-b.stop:
				return
			}
		}
	}()
}

func (b *bounds) end() {
	if b != nil {
		close(b.stop)
		<-b.done
	}
}

// outOfMemory says whether a build that failed with this text did so for want of memory. The cgroup of a step that ends by
// it may be gone before it is looked at; then the exit code of a process that was killed tells.
func (b *bounds) outOfMemory(text string) bool {
	return b != nil && b.limits.Memory > 0 && b.any.Load() && (b.killed.Load() || strings.Contains(text, "exit code: 137"))
}

// look takes in what has changed since it looked last.
func (b *bounds) look(now time.Time) {
	if now.Sub(b.searched) >= searchEvery {
		b.parents, b.searched = b.groups.parents(), now
	}
	changed := false
	for path := range b.steps {
		if !b.groups.exists(path) {
			delete(b.steps, path)
			changed = true
		}
	}
	for _, path := range b.groups.children(b.parents) {
		if !b.steps[path] && b.isOurs(path) {
			b.steps[path], changed = true, true
			b.any.Store(true)
			b.take(path)
		}
	}
	if changed && b.limits.CPUs > 0 {
		for path := range b.steps {
			b.failed(path, b.groups.setCPUs(path, b.limits.CPUs/float64(len(b.steps))))
		}
	}
	b.watchMemory()
}

// isOurs says whether a process of the cgroup bears the marker.
func (b *bounds) isOurs(path string) bool {
	for _, pid := range b.groups.processes(path) {
		environ, err := os.ReadFile(b.proc + "/" + pid + "/environ")
		if err == nil && strings.Contains(string(environ), b.marker) {
			return true
		}
	}
	return false
}

// take bounds a step that has just begun.
func (b *bounds) take(path string) {
	b.failed(path, b.groups.setLowWeight(path))
	if b.limits.Memory > 0 {
		err := b.groups.setMemory(path, b.limits.Memory)
		if errors.Is(err, errOverLimit) {
			b.kill(path)
			return
		}
		b.failed(path, err)
	}
}

// watchMemory ends the largest step when those that run at one time use too much together.
func (b *bounds) watchMemory() {
	if b.limits.Memory == 0 {
		return
	}
	var sum, most paas.Bytes
	largest := ""
	for _, path := range slices.Sorted(maps.Keys(b.steps)) {
		if b.groups.wasKilled(path) {
			b.killed.Store(true)
		}
		if len(b.steps) < 2 {
			return
		}
		used := b.groups.memory(path)
		if sum += used; used >= most {
			largest, most = path, used
		}
	}
	if sum > b.limits.Memory {
		b.kill(largest)
	}
}

func (b *bounds) kill(path string) {
	b.killed.Store(true)
	b.failed(path, b.groups.kill(path))
}

// failed notes what could not be set; a step that has ended meanwhile is fine.
func (b *bounds) failed(path string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && b.groups.exists(path) {
		b.log.Warn("a step of a build is not bounded", "cgroup", path, "error", err)
	}
}
