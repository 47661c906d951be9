package runtime

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestABuildIsHeldToItsMemory(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := imageSpec()
	spec.Limits.Memory = 64 << 20
	_, err := d.BuildImage(t.Context(), tree(t, `RUN ["/probe", "eat", "200"]`), spec, func(paas.BuildEvent) {})
	wantCode(t, err, paas.Failed)
	if !strings.Contains(err.Error(), `["/probe", "eat", "200"]: out of memory: the steps of a build may use 67 MB`) ||
		paas.Advice(err) != "try: paas build:set memory=134MB -a hello" {
		t.Errorf("%v\n%s", err, paas.Advice(err))
	}
	spec.Limits.Memory = 400 << 20
	if _, err := d.BuildImage(t.Context(), tree(t, `RUN ["/probe", "eat", "200"]`), spec, func(paas.BuildEvent) {}); err != nil {
		t.Errorf("with enough of it: %v", err)
	}
}

func TestABuildIsHeldToItsCores(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	spec := imageSpec()
	spec.Limits.CPUs = 0.5
	var s steps
	if _, err := d.BuildImage(t.Context(), tree(t, `RUN ["/probe", "burn", "2000"]`), spec, s.add); err != nil {
		t.Fatal(err)
	}
	used, err := strconv.Atoi(strings.TrimSpace(s.outputOf(t, "RUN")))
	if err != nil {
		t.Fatal(err)
	}
	// The step is found some 10 ms after it began, which took up to 20 ms of two cores; a period of the kernel's is 100 ms.
	if used > 1000+150 {
		t.Errorf("a step under half a core used %d ms of CPU in 2000 ms", used)
	}
}

func TestTheMarkOfABuildIsNoPartOfTheImageOrTheCachesKey(t *testing.T) {
	t.Parallel()
	spec := imageSpec()
	spec.NoCache, spec.Args = false, map[string]string{"no_proxy": "intern.example"}
	line := "ENV UNIQUE=" + newID()
	var image string
	for n := range 2 {
		d := newDocker(t)
		var s steps
		cached := false
		built, err := d.BuildImage(t.Context(), tree(t, line, `RUN ["/probe", "env"]`), spec, func(e paas.BuildEvent) {
			cached = cached || e.Cached && strings.Contains(e.Name, "RUN")
			s.add(e)
		})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 && !strings.Contains(s.outputOf(t, "RUN"), "no_proxy=intern.example,"+d.installation) {
			t.Errorf("the step's environment is %q", s.outputOf(t, "RUN"))
		}
		if n == 1 && !cached {
			t.Error("the mark of another installation has the step run again")
		}
		if image = everythingOf(t, d, built.ID); strings.Contains(image, "build.invalid") || strings.Contains(image, "intern.example") {
			t.Error("the mark is in the image")
		}
	}
}

// fakeGroups is a tree of cgroups of version 2, as files.
func fakeGroups(t *testing.T, groups ...string) groups {
	t.Helper()
	root := t.TempDir()
	for _, path := range append(groups, "/") {
		dir := filepath.Join(root, path)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{"cgroup.controllers", "memory.max", "memory.swap.max", "cpu.max", "cpu.weight", "cgroup.kill"} {
			if err := os.WriteFile(filepath.Join(dir, file), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	g, ok := openGroups(root)
	if !ok || !g.v2 {
		t.Fatal("it is no tree of version 2")
	}
	return g
}

func put(t *testing.T, g groups, path, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.root, path, file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStepsAreFoundWhereverTheEngineHasThem(t *testing.T) {
	t.Parallel()
	container := "/docker/" + strings.Repeat("a", 64)
	g := fakeGroups(t, "/docker/buildkit/one", "/parent/of/buildkit/two", "/system.slice/system.slice:docker:three", "/system.slice/docker.service", container+"/buildkit/no")
	want := []string{"/docker/buildkit/one", "/parent/of/buildkit/two", "/system.slice/system.slice:docker:three"}
	if diff := cmp.Diff(want, g.children(g.parents())); diff != "" {
		t.Error(diff)
	}
}

func TestLimitsAreThoseOfTheStepsThatBearTheMark(t *testing.T) {
	t.Parallel()
	g := fakeGroups(t, "/docker/buildkit/ours", "/docker/buildkit/also", "/docker/buildkit/foreign")
	proc := t.TempDir()
	for pid, step := range map[string]string{"1": "ours", "2": "also", "3": "foreign"} {
		put(t, g, "/docker/buildkit/"+step, "cgroup.procs", pid+"\n")
		if err := os.Mkdir(filepath.Join(proc, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		environ := "PATH=/bin\x00NO_PROXY=mark.invalid\x00"
		if step == "foreign" {
			environ = "PATH=/bin\x00NO_PROXY=mark.of.another\x00"
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "environ"), []byte(environ), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := &bounds{marker: "mark.invalid", limits: paas.BuildLimits{Memory: 1000, CPUs: 1}, groups: g, proc: proc, log: newDocker(t).log, steps: map[string]bool{}}
	b.look(time.Now())
	for path, want := range map[string][]string{
		"/docker/buildkit/ours": {"1000", "0", "50000 100000", "20"}, "/docker/buildkit/also": {"1000", "0", "50000 100000", "20"},
		"/docker/buildkit/foreign": {"", "", "", ""}, "/docker/buildkit": {"", "", "", ""},
	} {
		var got []string
		for _, file := range []string{"memory.max", "memory.swap.max", "cpu.max", "cpu.weight"} {
			got = append(got, g.read("memory", path, file))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if b.outOfMemory("exit code: 1") || !b.outOfMemory("exit code: 137") {
		t.Error("a step that was killed is not told from one that failed")
	}
	put(t, g, "/docker/buildkit/ours", "memory.stat", "anon 600\nfile 5000\n")
	put(t, g, "/docker/buildkit/also", "memory.stat", "anon 300\n")
	b.look(time.Now())
	if b.outOfMemory("exit code: 1") {
		t.Error("together they have not used too much yet")
	}
	put(t, g, "/docker/buildkit/also", "memory.stat", "anon 500\n")
	b.look(time.Now())
	if g.read("memory", "/docker/buildkit/ours", "cgroup.kill") != "1" || g.read("memory", "/docker/buildkit/also", "cgroup.kill") != "" || !b.outOfMemory("exit code: 1") {
		t.Error("the largest step is not the one that was ended")
	}
	// One that has gone leaves its share to the other.
	if err := os.RemoveAll(filepath.Join(g.root, "/docker/buildkit/ours")); err != nil {
		t.Fatal(err)
	}
	put(t, g, "/docker/buildkit/also", "cpu.max", "")
	b.look(time.Now())
	if got := g.read("cpu", "/docker/buildkit/also", "cpu.max"); got != "100000 100000" {
		t.Errorf("alone it has %q", got)
	}
	put(t, g, "/docker/buildkit/also", "memory.events", "low 0\noom_kill 1\n")
	b.killed.Store(false)
	b.look(time.Now())
	if !b.outOfMemory("exit code: 1") {
		t.Error("what the kernel has ended is not noticed")
	}
}
