package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"paas/test/platform"
)

// sizesHold: what app.json and ps:resize say is what the kernel holds the processes to; what does not fit is refused, and what
// is too small is named.
func sizesHold(t *testing.T, p *platform.Platform) {
	app := p.App(t, platform.Fixture{
		Procfile: "web: /probe web\nworker: /probe hog 40\n",
		Files:    map[string]string{"app.json": `{"formation": {"web": {"size": "64mb:0.5cpu"}, "worker": {"quantity": 1}}}`},
	})
	app.Push().Says("Resized web=64mb:0.5cpu, as app.json has it")
	held(t, app, "web.1", 64<<20, 50_000)
	held(t, app, "worker.1", 0, 0)
	web := app.In("web.1")[0].ID

	app.Do("paas", "ps:resize", "worker=96mb:0.25cpu")
	held(t, app, "worker.1", 96<<20, 25_000)
	if now := app.In("web.1")[0].ID; now != web {
		t.Error("a resize of worker replaced web.1")
	}
	app.Run("paas", "ps:resize", "worker=24mb").Want(6).Says("the resize did not work and changed nothing: worker.1 was killed at boot: out of memory")
	held(t, app, "worker.1", 96<<20, 25_000)
	app.Run("paas", "ps:resize", "web=8tb").Want(2).Says("8tb of memory is more than this host has")
	app.Run("paas", "ps:resize", "web=1000cpu").Want(2).Says("1000cpu is more than this host has")
	app.Do("paas", "config:set", "A=1")
	held(t, app, "worker.1", 96<<20, 25_000)
	app.Do("paas", "ps:resize", "web=default", "worker=default")
	held(t, app, "web.1", 0, 0)
	if n := len(app.Releases()); n != 2 {
		t.Errorf("%d releases", n)
	}
}

// held reads an instance's limits where the kernel has them; 0 is none. The quota is of periods of 100 ms, in microseconds.
func held(t *testing.T, app *platform.App, name string, memory, quota int) {
	t.Helper()
	var pid int
	for _, c := range app.In(name) {
		if c.State == "running" && c.PID != 0 {
			pid = c.PID // the newest comes first
			break
		}
	}
	gotMemory, gotQuota := number(controlFile(t, pid, "memory", "memory.max", "memory.limit_in_bytes")), number(controlFile(t, pid, "cpu", "cpu.max", "cpu.cfs_quota_us"))
	if gotMemory != memory || gotQuota != quota {
		t.Errorf("%s is held to %d bytes and %d µs, not to %d and %d", name, gotMemory, gotQuota, memory, quota)
	}
}

// number is the first one of text; 0 for what is no bound.
func number(text string) int {
	first, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	n, err := strconv.Atoi(first)
	if err != nil || n < 0 || n > 1<<50 {
		return 0
	}
	return n
}

// controlFile reads a file of the process's control group, which has a name for each version.
func controlFile(t *testing.T, pid int, controller, v2, v1 string) string {
	t.Helper()
	groups, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		path := filepath.Join("/sys/fs/cgroup", parts[2], v2)
		if parts[1] != "" {
			if !strings.Contains(","+parts[1]+",", ","+controller+",") {
				continue
			}
			path = filepath.Join("/sys/fs/cgroup", controller, parts[2], v1)
		}
		if text, err := os.ReadFile(path); err == nil {
			return string(text)
		}
	}
	t.Fatalf("no %s of process %d:\n%s", v2, pid, groups)
	return ""
}
