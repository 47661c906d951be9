package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/test/platform"
	"paas/test/report"
)

// moment is a point of a push at which paasd is killed.
type moment struct {
	name, what string
	record     []string // what is on the record of the push afterwards
}

func TestF1KilledBeforeTheSwitch(t *testing.T) {
	build := "build failed: paasd stopped during the build"
	release := []string{"build succeeded: ", "release failed: paasd stopped before it was done"}
	killedAt(t, false, []moment{
		{"receive", "a pack is in quarantine", nil},
		{"build", "the builder is at work", []string{build}},
		{"release-command", "the release command runs", release},
		{"start", "one of three new instances has started", release},
		{"probe", "one of them is healthy", release},
	})
}

func TestF1KilledFromTheSwitchOn(t *testing.T) {
	release := []string{"build succeeded: ", "release succeeded: "}
	killedAt(t, true, []moment{
		{"switch", "the store has the new release, the routes the old one", release},
		{"route", "the routes are the new ones, nothing is drained", release},
		{"drain", "an old instance is drained, not yet told to stop", release},
		{"stopping", "an old instance has got SIGTERM and goes on", release},
		{"stop", "an old instance has ended and is still there", release},
	})
}

// killedAt kills paasd at one moment after the other, each in a push of the same app.
func killedAt(t *testing.T, committed bool, moments []moment) {
	t.Helper()
	t.Parallel()
	suite.Desk(t)
	p := platform.Start(t, platform.Options{})
	a := p.App(t, platform.Fixture{Procfile: withRelease("exit")})
	a.Do("paas", "checks:set", "grace=1") // of the worker
	a.Do("paas", "config:set", "PROBE_STOP=2s")
	a.Push()
	a.Do("paas", "scale", "web=2", "worker=1")
	for _, m := range moments {
		t.Run(m.name, func(t *testing.T) {
			proof := suite.At(t, p, "F-1", "kill -9 of paasd in a push: "+m.what, false)
			k := killing{Proof: proof, moment: m, app: a.For(proof), committed: committed}
			k.run()
		})
	}
}

func withRelease(command string) string {
	return platform.TwoTypes + "release: /probe " + command + "\n"
}

// killing is one kill of paasd.
type killing struct {
	*report.Proof
	moment
	app       *platform.App
	committed bool // what is pushed is current afterwards

	version int // of the release that the push is to make
	build   int // its build
	before  map[string]string
	watch   *platform.Watch
}

func (k *killing) run() {
	k.before, k.version, k.build = k.app.Slots(), k.app.Releases()[0].Version+1, k.app.Builds()[0].ID+1
	k.OK(k.Restart("PAAS_FAULT=kill@" + k.name)) // "stopping" is none: a hand is quick enough
	load := k.app.Load("/", steady)
	k.watch = k.Watch(k)
	k.push()
	load.Flow(k, 60) // without paasd
	began := time.Now()
	k.OK(k.Serve())
	k.app.WantUp("web.1", "web.2", "worker.1")
	k.Figure("as it should be %.1f s after paasd was started again", time.Since(began).Seconds())
	load.Flow(k, 30)
	k.wantRecord()
	k.wantInstances()
	k.wantRoutes()
	k.wantNothingLeft()
	if k.name == "switch" {
		k.app.Push() // git has not moved the branch, and does now
	}
	k.app.Do("paas", "config:set", "AFTER="+k.name) // nothing holds the queue
	for _, e := range clean(k.Proof, load).Answers {
		if !k.committed && len(k.record) > 1 && releaseOf(e.Body) == k.version {
			k.Fatalf("the interrupted release has answered: %q", e.Body)
		}
	}
}

// push pushes and returns once paasd is dead and the push has ended.
func (k *killing) push() {
	k.Helper()
	command := "exit"
	if k.name == "release-command" {
		command = "worker" // goes on until it is stopped
	}
	k.app.Write("Procfile", withRelease(command))
	k.app.Commit("Next")
	pushed := make(chan platform.Result, 1)
	go func() { pushed <- k.app.Run("git", "push", "paas", "main") }()
	if k.name == "stopping" {
		k.watch.Await(k, "SIGTERM", func(e platform.EngineEvent) bool { return e.App == k.app.Name && e.Signal == "15" })
		k.OK(k.Kill())
	} else {
		k.OK(k.Killed())
	}
	if r := <-pushed; r.Code == 0 && !k.committed {
		k.Errorf("the push succeeds\n%s", r)
	}
}

// wantRecord checks what is recorded of the push, with the reason where it failed.
func (k *killing) wantRecord() {
	k.Helper()
	var record []string
	for _, b := range k.app.Builds() {
		if b.ID >= k.build {
			record = append(record, "build "+b.Status+": "+b.Error)
		}
	}
	for _, r := range k.app.Releases() {
		if r.Version >= k.version {
			record = append(record, "release "+r.Status+": "+k.app.Release(r.Version).Error)
		}
		if r.Current != (r.Version == k.current()) {
			k.Errorf("v%d: current is %v", r.Version, r.Current)
		}
	}
	if diff := cmp.Diff(k.record, record); diff != "" {
		k.Errorf("on the record: %s", diff)
	}
}

// current is the release that is to be current: that of the push, or the newest before it that did not fail.
func (k *killing) current() int {
	for _, r := range k.app.Releases() {
		if r.Status == "succeeded" && (k.committed || r.Version < k.version) {
			return r.Version
		}
	}
	return 0
}

// wantInstances checks that the instances are those of before, or those of the push, and that none was started twice.
func (k *killing) wantInstances() {
	k.Helper()
	after, starts := k.app.Slots(), map[string]int{}
	for _, e := range k.watch.Seen(func(e platform.EngineEvent) bool { return e.App == k.app.Name && e.Action == "start" }) {
		starts[e.Name+" v"+e.Release]++
	}
	for what, n := range starts {
		if n > 1 || !strings.HasSuffix(what, fmt.Sprintf(" v%d", k.version)) {
			k.Errorf("%s was started %d times", what, n)
		}
	}
	for name, id := range after {
		fresh := starts[fmt.Sprintf("%s v%d", name, k.version)] == 1
		if id == k.before[name] == k.committed || k.committed && !fresh {
			k.Errorf("%s is %s and was %s, started: %v", name, id, k.before[name], starts)
		}
	}
}

// wantRoutes checks that the routes are the web instances that run.
func (k *killing) wantRoutes() {
	k.Helper()
	content, err := os.ReadFile(filepath.Join(k.DataDir(), "router", "table.json"))
	k.OK(err)
	var table struct{ Routes []paas.Route }
	k.OK(json.Unmarshal(content, &table))
	var routed []string
	for _, r := range table.Routes {
		if r.Name == k.app.Name {
			for _, b := range r.Backends {
				routed = append(routed, b.Addr.String())
			}
		}
	}
	want := []string{k.app.Address("web.1"), k.app.Address("web.2")}
	slices.Sort(want)
	slices.Sort(routed)
	if diff := cmp.Diff(want, routed); diff != "" {
		k.Errorf("the routes: %s", diff)
	}
}

// wantNothingLeft checks that there are three instances, a network, and no pack in quarantine.
func (k *killing) wantNothingLeft() {
	k.Helper()
	all, err := k.Containers("")
	k.OK(err)
	if len(all) != 3 {
		k.Errorf("%d containers are there: %+v", len(all), all)
	}
	networks := strings.Fields(k.Engine("network", "ls", "--quiet", "--filter", "label=paas.installation="+k.Installation()))
	if len(networks) != 1 {
		k.Errorf("%d networks are there", len(networks))
	}
	for _, name := range []string{"incoming-*", "tmp_objdir-*"} {
		packs, err := filepath.Glob(filepath.Join(k.DataDir(), "repos", "*.git", "objects", name))
		k.OK(err)
		if len(packs) > 0 {
			k.Errorf("in quarantine are %q", packs)
		}
	}
}
