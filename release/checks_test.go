package release

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// checks changes checks by words: name=value sets, a bare name unsets.
func (w *world) checks(words ...string) (paas.ChecksChange, error) {
	patch := paas.ChecksPatch{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		patch[name] = nil
		if ok {
			patch[name] = &value
		}
	}
	return w.SetChecks(paas.WithUser(context.Background(), "ada"), "hello", patch, &progressLog{})
}

// inForce is the value of a setting.
func (w *world) inForce(name string) string {
	for _, s := range must(w.Checks(context.Background(), "hello"))(w.t) {
		if s.Name == name {
			return s.Value + " (" + s.Origin + ")"
		}
	}
	return ""
}

func TestChecksSetIsOneReleaseAndNoneWhenNothingChanges(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		kept, err := w.checks("timeout=90")
		if err != nil || kept.Release != nil || w.inForce("timeout") != "90 (set)" {
			t.Fatalf("before the first release: %+v %v", kept, err)
		}
		w.mustPush("img1")
		if app := must(w.db.AppByName("hello"))(t); app.KeptChecks.Timeout != 0 {
			t.Error("v1 has them, and the app keeps them too")
		}
		change, err := w.checks("timeout=60", "path=/up")
		if err != nil || change.Release == nil || change.Release.Description != "Set path, timeout checks" || !change.Release.Current {
			t.Fatalf("%+v %v", change, err)
		}
		again, err := w.checks("path=/up", "drain")
		if err != nil || again.Release != nil || len(again.Set)+len(again.Removed) != 0 {
			t.Fatalf("%+v %v", again, err)
		}
		must(w.checks("path"))(t)
		must(w.set("A", "1"))(t)
		if got := w.inForce("path") + w.inForce("timeout"); got != " (default)60 (set)" {
			t.Error(got)
		}
		rel := must(w.Rollback(context.Background(), "hello", 2, &progressLog{}))(t)
		if got := w.inForce("path"); got != "/up (set)" || !rel.Current {
			t.Errorf("after the rollback the path is %s", got)
		}
		detail := must(w.Release(context.Background(), "hello", rel.Version))(t)
		if diff := cmp.Diff([]string{"check path"}, detail.Diff.Added); diff != "" {
			t.Error(diff)
		}
		want := []string{
			"succeeded Deploy 1a2b3c4", "succeeded Set path, timeout checks", "succeeded Remove path checks", "succeeded Set A config vars",
			"succeeded Rollback to v2 (current)",
		}
		if diff := cmp.Diff(want, w.ledger()); diff != "" {
			t.Error(diff)
		}
		if _, err := w.checks("timeout=never"); paas.CodeOf(err) != paas.Invalid {
			t.Error(err)
		}
	})
}

func TestAPathThatRedirectsFailsTheReleaseAndChangesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("redirect")
		before := w.instance("web.1").ID
		began := time.Now()
		_, err := w.checks("path=/up", "timeout=20")
		want := "v2 failed: web.1 did not answer GET /up on port 5000 ($PORT) with 2xx within 20s: status 302; v1 goes on serving"
		if paas.CodeOf(err) != paas.Failed || err.Error() != want || time.Since(began) != 20*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if got := w.inForce("path"); got != " (default)" || w.instance("web.1").ID != before {
			t.Errorf("the path is %s", got)
		}
		w.wantRouted("", "web.1")
		must(w.set("A", "1"))(t)
	})
}

func TestAppJSONHoldsForItsBuildAndChecksSetWins(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		app := must(w.db.AppByName("hello"))(t)
		deploy := func(c paas.Checks) {
			t.Helper()
			b := must(w.db.AppendBuild(paas.Build{App: app.ID, Commit: "1a2b3c4d5e"}))(t)
			b.Image, b.Types, b.Checks = paas.Image{ID: "img1"}, hello, c
			must(w.Deploy(context.Background(), app.ID, b, &progressLog{}))(t)
		}
		must(w.checks("timeout=90"))(t)
		deploy(paas.Checks{Path: "/up", Timeout: 25, Interval: 3})
		must(w.set("A", "1"))(t)
		if got := w.inForce("path") + w.inForce("timeout") + w.inForce("interval"); got != "/up (app.json)90 (set)3 (app.json)" {
			t.Error(got)
		}
		deploy(paas.Checks{})
		if got := w.inForce("path") + w.inForce("timeout") + w.inForce("interval"); got != " (default)90 (set)10 (default)" {
			t.Error(got)
		}
		must(w.Rollback(context.Background(), "hello", 2, &progressLog{}))(t)
		if got := w.inForce("path"); got != "/up (app.json)" {
			t.Error(got)
		}
	})
}

func TestTheIntervalIsTheReleases(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.checks("interval=2"))(t)
		w.mustPush("img1")
		pass(11 * time.Second) // the new release has been noticed
		sick := w.instance("web.1")
		w.runtime.sicken(sick)
		pass(4 * time.Second)
		if w.instance("web.1").ID != sick.ID {
			t.Error("replaced before three failures")
		}
		pass(2 * time.Second)
		if w.instance("web.1").ID == sick.ID {
			t.Error("not replaced after three failures, two seconds apart")
		}
		w.wantRouted("", "web.1")
	})
}

func TestAnUnhealthyHealthcheckCounts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.Scale(context.Background(), "hello", paas.Formation{"worker": 1}, &progressLog{}))(t)
		for _, slot := range []string{"web.1", "worker.1"} {
			sick := w.instance(slot)
			w.runtime.diagnose(sick)
			pass(45 * time.Second)
			if w.instance(slot).ID == sick.ID {
				t.Errorf("%s was not replaced", slot)
			}
		}
		if !strings.Contains(w.logs.text(), "Failed its health check 3 times: the HEALTHCHECK of its image says unhealthy") {
			t.Error(w.logs.text())
		}
	})
}

// TestEachInstanceEndsAsItsReleaseSays is D-3 with the engine's part of it.
func TestEachInstanceEndsAsItsReleaseSays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.checks("stop-timeout=5", "stop-timeout[worker]=120", "drain=7", "grace=4"))(t)
		w.mustPush("deaf")
		must(w.Scale(context.Background(), "hello", paas.Formation{"worker": 1}, &progressLog{}))(t)
		began := time.Now()
		must(w.checks("stop-timeout", "stop-timeout[worker]", "drain"))(t)
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("a worker counts as up after %s", took)
		}
		w.wantRunning("web.1 v1", "web.1 v2", "worker.1 v1", "worker.1 v2")
		pass(6 * time.Second)
		w.wantRunning("web.1 v2", "worker.1 v1", "worker.1 v2")
		pass(113 * time.Second)
		w.wantRunning("web.1 v2", "worker.1 v1", "worker.1 v2")
		pass(2 * time.Second)
		w.wantRunning("web.1 v2", "worker.1 v2")
		if diff := cmp.Diff([]time.Duration{7 * time.Second}, w.router.deadlines()); diff != "" {
			t.Error(diff)
		}
		for _, line := range []string{"paas[web.1]: Killed: it did not end within 5s", "paas[worker.1]: Killed: it did not end within 2m0s"} {
			if !strings.Contains(w.logs.text(), line) {
				t.Errorf("no line %q in\n%s", line, w.logs.text())
			}
		}
	})
}

func TestChecksLookAtTheEngineOnlyWhenSomebodyIsDue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			must(w.CreateApp(context.Background(), name))(t)
		}
		w.create()
		must(w.checks("interval=5"))(t)
		w.mustPush("img1")
		pass(11 * time.Second) // the new release has been noticed
		looks, probes := w.runtime.load()
		pass(15 * time.Second)
		synctest.Wait()
		looksThen, probesThen := w.runtime.load()
		if probesThen-probes != 3 || looksThen-looks != 3 {
			t.Errorf("%d probes and %d looks at the engine in 15 s at an interval of 5 s", probesThen-probes, looksThen-looks)
		}
	})
}

func TestAnAppThatAnswersSlowlyHoldsUpNoOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.checks("interval=1"))(t)
		w.mustPush("img1")
		other := must(w.db.AppByName(must(w.CreateApp(context.Background(), "other"))(t).Name))(t)
		b := must(w.db.AppendBuild(paas.Build{App: other.ID, Commit: "1a2b3c4d5e"}))(t)
		b.Image, b.Types = paas.Image{ID: "hangs-later"}, hello[:1]
		must(w.Deploy(context.Background(), other.ID, b, &progressLog{}))(t)
		pass(11 * time.Second)
		_, probes := w.runtime.load()
		w.runtime.hang(true)
		pass(20 * time.Second)
		w.runtime.hang(false)
		if _, then := w.runtime.load(); then-probes < 19 {
			t.Errorf("%d probes in 20 s at an interval of 1 s", then-probes)
		}
		w.wantRouted("", "web.1")
	})
}
