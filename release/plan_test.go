package release

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

var planNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// parseSeen reads an observed instance: "web.1 v2 up", with the words up (running and healthy), boot (running), exit=N,
// oom, created, sick, used (restarted by the engine), retiring, routed, gen=N, name=other, size=512mb, id=x.
func parseSeen(t *testing.T, n int, line string) Seen {
	t.Helper()
	words := strings.Fields(line)
	typ, _, _ := paas.ParseInstanceName(words[0])
	s := Seen{Instance: paas.Instance{
		ID: "i" + strconv.Itoa(n), AppName: "hello", Name: words[0], Type: typ, CreatedAt: planNow.Add(time.Duration(n) * time.Second),
	}}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		number, _ := strconv.Atoi(value)
		switch {
		case w[0] == 'v':
			s.Release, _ = strconv.Atoi(w[1:])
		case key == "up":
			s.Running, s.Healthy = true, true
		case key == "boot":
			s.Running = true
		case key == "exit":
			s.Exited, s.ExitCode = true, number
		case key == "oom":
			s.Exited, s.OOMKilled = true, true
		case key == "created":
		case key == "sick":
			s.Running, s.Sick = true, true
		case key == "used":
			s.Running, s.Restarted = true, true
		case key == "retiring":
			s.Running, s.Retiring = true, true
		case key == "routed":
			s.Routed = true
		case key == "gen":
			s.Generation = number
		case key == "size":
			size, err := paas.ParseSize(value)
			if err != nil {
				t.Fatal(err)
			}
			s.Size = size
		case key == "name":
			s.AppName = value
		case key == "id":
			s.ID = value
		case key == "run":
			s.Type = paas.RunType
		default:
			t.Fatalf("word %q", w)
		}
	}
	return s
}

func slots(names ...string) []Slot {
	list := make([]Slot, len(names))
	for i, n := range names {
		typ, _, _ := paas.ParseInstanceName(n)
		list[i] = Slot{Name: n, Type: typ}
	}
	return list
}

func TestPlan(t *testing.T) {
	down := slots("web.1")
	down[0].Down = true
	again := slots("web.1", "web.2")
	again[0].Generation = 1
	small := slots("web.1", "web.2", "worker.1")
	small[0].Size, small[1].Size = paas.Size{Memory: 512 << 20, CPU: 500}, paas.Size{Memory: 512 << 20, CPU: 500}
	waiting := slots("web.1", "worker.1")
	waiting[1].RetryAt = planNow.Add(time.Minute)
	for _, c := range []struct {
		name     string
		release  int
		slots    []Slot
		observed []string
		want     string
	}{
		{"first deploy", 1, slots("web.1"), nil, `
start   web.1 v1: missing
await   web.1 v1: just started
switch  v1
route   v1
`},
		{
			"rolling replacement starts all new ones before it lets go of any old one", 2, slots("web.1", "web.2", "worker.1"),
			[]string{"web.1 v1 up routed", "web.2 v1 up routed", "worker.1 v1 up"},
			`
start   web.1 v2: v2 replaces v1
start   web.2 v2: v2 replaces v1
start   worker.1 v2: v2 replaces v1
await   web.1 v2: just started
await   web.2 v2: just started
await   worker.1 v2: just started
switch  v2
route   v2
retire  web.1 v1 (i0): v2 replaces v1
retire  web.2 v1 (i1): v2 replaces v1
retire  worker.1 v1 (i2): v2 replaces v1
`,
		},
		{"a type is added and another dropped", 2, slots("web.1", "clock.1"), []string{"web.1 v1 up routed", "worker.1 v1 up"}, `
start   web.1 v2: v2 replaces v1
start   clock.1 v2: missing
await   web.1 v2: just started
await   clock.1 v2: just started
switch  v2
route   v2
retire  web.1 v1 (i0): v2 replaces v1
retire  worker.1 v1 (i1): not in the formation
`},
		{"scale up touches nothing that runs", 1, slots("web.1", "web.2", "web.3"), []string{"web.1 v1 up routed"}, `
start   web.2 v1: missing
start   web.3 v1: missing
await   web.2 v1: just started
await   web.3 v1: just started
switch  v1
route   v1
`},
		{"scale down takes the highest, web.10 after web.2", 1, slots("web.1"), []string{"web.10 v1 up routed", "web.2 v1 up routed", "web.1 v1 up routed"}, `
switch  v1
route   v1
retire  web.2 v1 (i1): not in the formation
retire  web.10 v1 (i0): not in the formation
`},
		{"web=0", 1, nil, []string{"web.1 v1 up routed"}, `
switch  v1
route   v1
retire  web.1 v1 (i0): not in the formation
`},
		{
			"mixed generations after a crash of paasd: what is there is kept, the rest follows", 2, slots("web.1", "web.2"),
			[]string{"web.1 v1 boot routed", "web.2 v1 boot routed", "web.1 v2 boot"},
			`
start   web.2 v2: v2 replaces v1
await   web.1 v2 (i2): not yet known to be healthy
await   web.2 v2: just started
switch  v2
route   v2
retire  web.1 v1 (i0): v2 replaces v1
retire  web.2 v1 (i1): v2 replaces v1
`,
		},
		{"instances of a release that failed are strays", 1, slots("web.1"), []string{"web.1 v1 up routed", "web.1 v2 boot"}, `
switch  v1
route   v1
retire  web.1 v2 (i1): v2 never became current
`},
		{"a stray in the same slot: the healthy one stays, though younger", 1, slots("web.1"), []string{"web.1 v1 boot", "web.1 v1 up routed"}, `
switch  v1
route   v1
retire  web.1 v1 (i0): a second one in its slot
`},
		{"a crash is out of the routes first and replaced", 1, slots("web.1", "web.2"), []string{"web.1 v1 exit=137 routed", "web.2 v1 up routed"}, `
unroute web.1 v1 (i0): exited with status 137
start   web.1 v1: exited with status 137
await   web.1 v1: just started
switch  v1
route   v1
remove  web.1 v1 (i0): exited with status 137
`},
		{"a crash loop waits", 1, waiting, []string{"web.1 v1 up routed", "worker.1 v1 oom"}, `
hold    worker.1 v1: out of memory
switch  v1
route   v1
remove  worker.1 v1 (i1): out of memory
`},
		{"what the engine restarted is replaced, and serves until then", 1, slots("web.1"), []string{"web.1 v1 used routed"}, `
start   web.1 v1: the engine restarted it with a used file system
await   web.1 v1: just started
switch  v1
route   v1
retire  web.1 v1 (i0): the engine restarted it with a used file system
`},
		{"a sick instance is out of the routes first and replaced", 1, slots("web.1"), []string{"web.1 v1 sick routed"}, `
unroute web.1 v1 (i0): it failed its health checks
start   web.1 v1: it failed its health checks
await   web.1 v1: just started
switch  v1
route   v1
retire  web.1 v1 (i0): it failed its health checks
`},
		{"restart of one", 1, again, []string{"web.1 v1 up routed", "web.2 v1 up routed"}, `
start   web.1 v1: restart
await   web.1 v1: just started
switch  v1
route   v1
retire  web.1 v1 (i0): restart
`},
		{"restarted once is enough", 1, again, []string{"web.1 v1 up routed gen=1", "web.2 v1 up routed"}, `
switch  v1
route   v1
`},
		{
			"resized: only the types whose size changed, the new ones first", 1, small,
			[]string{"web.1 v1 up routed size=1gb", "web.2 v1 up routed size=1gb", "worker.1 v1 up"},
			`
start   web.1 v1: resized from 1gb to 512mb:0.5cpu
start   web.2 v1: resized from 1gb to 512mb:0.5cpu
await   web.1 v1: just started
await   web.2 v1: just started
switch  v1
route   v1
retire  web.1 v1 (i0): resized from 1gb to 512mb:0.5cpu
retire  web.2 v1 (i1): resized from 1gb to 512mb:0.5cpu
`,
		},
		{"resized and killed in the middle: what has the size is kept", 1, small, []string{
			"web.1 v1 up routed", "web.2 v1 up routed", "web.1 v1 boot size=512mb:0.5cpu", "worker.1 v1 up",
		}, `
start   web.2 v1: resized from the default to 512mb:0.5cpu
await   web.1 v1 (i2): not yet known to be healthy
await   web.2 v1: just started
switch  v1
route   v1
retire  web.1 v1 (i0): resized from the default to 512mb:0.5cpu
retire  web.2 v1 (i1): resized from the default to 512mb:0.5cpu
`},
		{"back to the default", 1, slots("web.1"), []string{"web.1 v1 up routed size=512mb:0.5cpu"}, `
start   web.1 v1: resized from 512mb:0.5cpu to the default
await   web.1 v1: just started
switch  v1
route   v1
retire  web.1 v1 (i0): resized from 512mb:0.5cpu to the default
`},
		{"stopped", 1, down, []string{"web.1 v1 up routed"}, `
switch  v1
route   v1
retire  web.1 v1 (i0): stopped
`},
		{"renamed", 1, slots("web.1"), []string{"web.1 v1 up routed name=hullo"}, `
start   web.1 v1: the app was renamed
await   web.1 v1: just started
switch  v1
route   v1
retire  web.1 v1 (i0): the app was renamed
`},
		{"scaled during a deploy: what already leaves is left alone", 2, slots("web.1", "web.2"), []string{"web.1 v1 retiring", "web.1 v2 up routed"}, `
start   web.2 v2: missing
await   web.2 v2: just started
switch  v2
route   v2
`},
		{"paasd killed between create and start", 1, slots("web.1"), []string{"web.1 v1 created"}, `
start   web.1 v1: never started
await   web.1 v1: just started
switch  v1
route   v1
remove  web.1 v1 (i0): never started
`},
		{"runs are no part of it", 1, slots("web.1"), []string{"web.1 v1 up routed", "run.1 v1 boot run"}, `
switch  v1
route   v1
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var observed []Seen
			for n, line := range c.observed {
				observed = append(observed, parseSeen(t, n, line))
			}
			plan := MakePlan(Desired{AppName: "hello", Release: c.release, Slots: c.slots}, observed, planNow)
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), plan.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanAfterAnInterruptedDeployment(t *testing.T) {
	for name, c := range map[string]struct {
		observed []string
		want     string
	}{
		"what serves stays, what was on its way goes": {[]string{"web.1 v1 up routed", "web.1 v2 boot"}, `
switch  v1
route   v1
retire  web.1 v2 (i1): v2 never became current
`},
		"what is left goes before anything starts": {[]string{"web.1 v1 exit=1", "web.1 v2 boot"}, `
vacate  web.1 v2 (i1): v2 never became current
start   web.1 v1: v2 never became current
await   web.1 v1: just started
switch  v1
route   v1
remove  web.1 v1 (i0): exited with status 1
`},
		"unless it is stopping already": {[]string{"web.1 v2 retiring"}, `
start   web.1 v1: missing
await   web.1 v1: just started
switch  v1
route   v1
`},
	} {
		t.Run(name, func(t *testing.T) {
			var observed []Seen
			for n, line := range c.observed {
				observed = append(observed, parseSeen(t, n, line))
			}
			plan := MakePlan(Desired{AppName: "hello", Release: 1, Slots: slots("web.1")}, observed, planNow)
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), plan.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlanOfRecreate(t *testing.T) {
	for _, c := range []struct {
		name     string
		release  int
		slots    []Slot
		observed []string
		want     string
	}{
		{"a new release: all old ones end before any new one starts", 2, slots("web.1", "worker.1"), []string{"web.1 v1 up routed", "worker.1 v1 up", "clock.1 v1 up"}, `
vacate  clock.1 v1 (i2): not in the formation
vacate  web.1 v1 (i0): v2 replaces v1
vacate  worker.1 v1 (i1): v2 replaces v1
start   web.1 v2: v2 replaces v1
start   worker.1 v2: v2 replaces v1
await   web.1 v2: just started
await   worker.1 v2: just started
switch  v2
route   v2
`},
		{"what still stops is waited for", 1, slots("web.1"), []string{"web.1 v1 retiring"}, `
vacate  web.1 v1 (i0): already stopping
start   web.1 v1: missing
await   web.1 v1: just started
switch  v1
route   v1
`},
		{"what stays is left alone", 1, slots("web.1", "web.2"), []string{"web.1 v1 up routed", "web.2 v1 sick routed"}, `
unroute web.2 v1 (i1): it failed its health checks
vacate  web.2 v1 (i1): it failed its health checks
start   web.2 v1: it failed its health checks
await   web.2 v1: just started
switch  v1
route   v1
`},
		{"where nothing starts, what goes is drained behind", 1, slots("web.1"), []string{"web.1 v1 up routed", "web.2 v1 up routed"}, `
switch  v1
route   v1
retire  web.2 v1 (i1): not in the formation
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var observed []Seen
			for n, line := range c.observed {
				observed = append(observed, parseSeen(t, n, line))
			}
			plan := MakePlan(Desired{AppName: "hello", Release: c.release, Slots: c.slots, Recreate: true}, observed, planNow)
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), plan.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	var got []time.Duration
	for n := range 12 {
		got = append(got, backoff(n+1)/time.Second)
	}
	want := []time.Duration{0, 1, 2, 4, 8, 16, 32, 60, 60, 300, 300, 300}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
