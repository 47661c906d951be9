package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"paas"
)

// groups is the host's tree of cgroups, of either version. Paths in it begin with a slash.
type groups struct {
	root string // /sys/fs/cgroup
	v2   bool
}

// openGroups finds the tree; ok is false where there is none that could be used.
func openGroups(root string) (g groups, ok bool) {
	g = groups{root: root}
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		g.v2 = true
		return g, true
	}
	_, err := os.Stat(filepath.Join(root, "memory"))
	return g, err == nil
}

// dir is where a controller has a cgroup.
func (g groups) dir(controller, path string) string {
	if g.v2 {
		return filepath.Join(g.root, path)
	}
	return filepath.Join(g.root, controller, path)
}

// searchDepth is how deep BuildKit's cgroups are: /docker/buildkit/ID where the engine drives cgroups itself, or
// <cgroup-parent>/buildkit/ID; where systemd does, system.slice:docker:ID beside the engine's own or the root's.
const searchDepth = 4

// parents are the cgroups in which BuildKit puts those of its steps.
func (g groups) parents() []string {
	found := []string{}
	g.search("/", searchDepth, &found)
	return found
}

func (g groups) search(path string, depth int, found *[]string) {
	if filepath.Base(path) == "buildkit" {
		*found = append(*found, path)
		return
	}
	listed := false
	for _, name := range g.names(path) {
		switch {
		case strings.Contains(name, ":docker:"):
			if !listed {
				*found, listed = append(*found, path), true
			}
		case depth > 1 && !strings.HasSuffix(name, ".scope") && len(name) != 64: // an instance's own has nothing of BuildKit's in it
			g.search(filepath.Join(path, name), depth-1, found)
		}
	}
}

// children are the cgroups in parents that may be a step's.
func (g groups) children(parents []string) []string {
	var found []string
	for _, parent := range parents {
		for _, name := range g.names(parent) {
			if filepath.Base(parent) == "buildkit" || strings.Contains(name, ":docker:") {
				found = append(found, filepath.Join(parent, name))
			}
		}
	}
	return found
}

func (g groups) names(path string) []string {
	entries, err := os.ReadDir(g.dir("memory", path))
	if err != nil {
		return nil // it has gone
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func (g groups) exists(path string) bool {
	_, err := os.Stat(g.dir("memory", path))
	return err == nil
}

func (g groups) processes(path string) []string {
	return strings.Fields(g.read("memory", path, "cgroup.procs"))
}

// read is empty for what is not there any more.
func (g groups) read(controller, path, file string) string {
	text, err := os.ReadFile(filepath.Join(g.dir(controller, path), file))
	if err != nil {
		return ""
	}
	return string(text)
}

// write sets a value of a cgroup that exists; it never makes a file.
func (g groups) write(controller, path, file, value string) error {
	f, err := os.OpenFile(filepath.Join(g.dir(controller, path), file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// errOverLimit is the error for a cgroup that uses more already.
var errOverLimit = errors.New("it uses more already")

func (g groups) setMemory(path string, limit paas.Bytes) error {
	value := strconv.FormatInt(int64(limit), 10)
	if g.v2 {
		return errors.Join(optional(g.write("memory", path, "memory.swap.max", "0")), g.write("memory", path, "memory.max", value))
	}
	err := g.write("memory", path, "memory.limit_in_bytes", value)
	if errors.Is(err, syscall.EBUSY) {
		return errOverLimit
	}
	return errors.Join(err, optional(g.write("memory", path, "memory.memsw.limit_in_bytes", value)))
}

// optional forgives a file that the kernel does not have: one without accounting of swap has none for it.
func optional(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// cpuPeriod is the kernel's default, in microseconds.
const cpuPeriod = 100_000

func (g groups) setCPUs(path string, cpus float64) error {
	quota := max(1000, int(cpus*cpuPeriod)) // the kernel takes no less
	if g.v2 {
		return g.write("cpu", path, "cpu.max", fmt.Sprintf("%d %d", quota, cpuPeriod))
	}
	return g.write("cpu", path, "cpu.cfs_quota_us", strconv.Itoa(quota))
}

// setLowWeight has a step yield to what runs beside it: a fifth of what an instance gets.
func (g groups) setLowWeight(path string) error {
	if g.v2 {
		return optional(g.write("cpu", path, "cpu.weight", "20"))
	}
	return optional(g.write("cpu", path, "cpu.shares", "204"))
}

// memory is what cannot be reclaimed of what a cgroup uses.
func (g groups) memory(path string) paas.Bytes {
	key := "total_rss "
	if g.v2 {
		key = "anon "
	}
	return paas.Bytes(valueOf(g.read("memory", path, "memory.stat"), key))
}

// wasKilled says whether the kernel has ended a process of it for want of memory.
func (g groups) wasKilled(path string) bool {
	file := "memory.oom_control"
	if g.v2 {
		file = "memory.events"
	}
	return valueOf(g.read("memory", path, file), "oom_kill ") > 0
}

// valueOf reads a line "key value".
func valueOf(text, key string) int64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}

// kill ends all that runs in a cgroup.
func (g groups) kill(path string) error {
	if g.v2 {
		return g.write("memory", path, "cgroup.kill", "1")
	}
	var failed error
	for _, text := range g.processes(path) {
		pid, err := strconv.Atoi(text)
		if err == nil && pid > 0 {
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			failed = errors.Join(failed, fmt.Errorf("end process %s: %w", text, err))
		}
	}
	return failed
}
