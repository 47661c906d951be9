package release

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// add schedules a command of hello; it runs until the test ends it.
func (w *world) add(s paas.Schedule) paas.ScheduleInfo {
	w.t.Helper()
	if s.Command == nil {
		s.Command = []string{"x"}
	}
	return must(w.AddSchedule(paas.WithUser(context.Background(), "ada"), "hello", s))(w.t)
}

func (w *world) scheduled(name string) paas.ScheduleInfo {
	w.t.Helper()
	synctest.Wait()
	all := must(w.Schedules(context.Background(), "hello"))(w.t)
	i := slices.IndexFunc(all, func(s paas.ScheduleInfo) bool { return s.Name == name })
	if i < 0 {
		w.t.Fatalf("no schedule %s in %+v", name, all)
	}
	return all[i]
}

// wantRuns checks the runs there were, oldest first: "run.1 nightly running".
func (w *world) wantRuns(want ...string) {
	w.t.Helper()
	synctest.Wait()
	var got []string
	for _, r := range must(w.Runs(context.Background(), "hello", 1000))(w.t) {
		got = append([]string{fmt.Sprintf("%s %s %s", r.Name, r.Schedule, r.Status)}, got...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("runs: %s", diff)
	}
}

// end ends a run, and what waits for that.
func (w *world) end(run string, code int) {
	w.t.Helper()
	w.runtime.exit(w.instance(run).ID, code)
	synctest.Wait()
}

// The bubble's clock begins at midnight UTC.
func TestAScheduleRunsOnTheReleaseOfThen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.add(paas.Schedule{Name: "nightly", Cron: "0 3 * * *", Size: paas.Size{Memory: 64 << 20}, Command: []string{"worker", "--once"}})
		pass(4 * time.Hour)
		if s := w.scheduled("nightly"); s.Last != nil || s.Skipped == nil || !strings.Contains(s.Skipped.Reason, "nothing is released on hello yet") {
			t.Errorf("without a release: %+v", s)
		}
		w.mustPush("img1")
		pass(22*time.Hour + 59*time.Minute)
		w.wantRuns()
		pass(time.Minute)
		w.wantRuns("run.1 nightly running")
		sp := w.instance("run.1").spec
		if sp.Release != 1 || sp.Size.Memory != 64<<20 || !slices.Equal(sp.Command, []string{"./hello", "worker", "--once"}) || sp.Image.ID != "img1" {
			t.Errorf("it is %+v", sp)
		}
		w.end("run.1", 7)
		s := w.scheduled("nightly")
		if s.Last == nil || s.Last.Run != "run.1" || *s.Last.ExitCode != 7 || s.Last.At.Hour() != 3 || s.NextAt.Sub(s.Last.At) != 24*time.Hour || s.User != "ada" {
			t.Errorf("it says %+v, last %+v", s, s.Last)
		}
		if r := must(w.Run(context.Background(), "hello", 1))(t); r.User != "cron" || !r.Detached {
			t.Errorf("the run is %+v", r)
		}
		w.mustPush("img2")
		must(w.Scale(context.Background(), "hello", paas.Formation{"web": 0}, &progressLog{}))(t)
		must(w.SetMaintenance(context.Background(), "hello", true))(t)
		pass(24 * time.Hour)
		if i := w.instance("run.2"); i == nil || i.Release != 2 {
			t.Errorf("on v2, without web and in maintenance: %+v", i)
		}
	})
}

func TestSchedulesOfAnAppJSONMoveWithTheRelease(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		push := func(schedules ...paas.Schedule) {
			t.Helper()
			app := must(w.db.AppByName("hello"))(t)
			b := must(w.db.AppendBuild(paas.Build{App: app.ID, Commit: "1a2b3c4d5e"}))(t)
			b.Status, b.Image, b.Types, b.Manifest.Schedules = paas.BuildSucceeded, paas.Image{ID: "img1"}, hello, schedules
			must(w.Deploy(context.Background(), app.ID, b, &progressLog{}))(t)
		}
		names := func() (list []string) {
			for _, s := range must(w.Schedules(context.Background(), "hello"))(t) {
				list = append(list, fmt.Sprintf("%s %s %v %v", s.Name, s.Cron, s.Declared, s.Enabled))
			}
			return list
		}
		a := paas.Schedule{Name: "a", Cron: "@hourly", Command: []string{"x"}}
		b := paas.Schedule{Name: "b", Cron: "@every 10m", Command: []string{"y"}}
		mine := paas.Schedule{Name: "mine", Cron: "@daily", Command: []string{"z"}}
		push(a, b)
		w.add(mine)
		must(w.SetSchedule(context.Background(), "hello", "a", paas.SchedulePatch{Enabled: new(bool)}))(t)
		if _, err := w.RemoveSchedule(context.Background(), "hello", "a"); paas.CodeOf(err) != paas.Conflict {
			t.Errorf("removed though it is in the app.json: %v", err)
		}
		pass(10 * time.Minute)
		w.wantRuns("run.1 b running")
		changed := a
		changed.Cron = "@weekly"
		push(changed, paas.Schedule{Name: "mine", Cron: "@hourly", Command: []string{"theirs"}})
		if diff := cmp.Diff([]string{"a @weekly true false", "mine @daily false true"}, names()); diff != "" {
			t.Errorf("the second release: %s", diff)
		}
		pass(time.Hour)
		w.wantRuns("run.1 b running")
		if _, err := w.set("KEY", "value"); err != nil {
			t.Fatal(err)
		}
		if len(names()) != 2 {
			t.Errorf("another config: %v", names())
		}
		must(w.Rollback(context.Background(), "hello", 1, &progressLog{}))(t)
		if diff := cmp.Diff([]string{"a @hourly true false", "b @every 10m true true", "mine @daily false true"}, names()); diff != "" {
			t.Errorf("after the rollback: %s", diff)
		}
		if detail := must(w.Release(context.Background(), "hello", 2))(t); !slices.Contains(detail.Diff.Changed, "schedule a") || !slices.Contains(detail.Diff.Removed, "schedule b") {
			t.Errorf("the diff of v2 is %+v", detail.Diff)
		}
	})
}

func TestOverlapPolicies(t *testing.T) {
	for _, tc := range []struct {
		policy       paas.Overlap
		during, then []string
	}{
		{paas.OverlapSkip, []string{"run.1 s running"}, []string{"run.1 s exited"}},
		{paas.OverlapQueue, []string{"run.1 s running"}, []string{"run.1 s exited", "run.2 s running"}},
		{paas.OverlapAllow, []string{"run.1 s running", "run.2 s running", "run.3 s running"}, []string{"run.1 s exited", "run.2 s running", "run.3 s running"}},
	} {
		t.Run(string(tc.policy), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.create()
				w.mustPush("img1")
				w.add(paas.Schedule{Name: "s", Cron: "@hourly", Overlap: tc.policy})
				pass(3*time.Hour + time.Minute)
				w.wantRuns(tc.during...)
				w.end("run.1", 0)
				w.wantRuns(tc.then...)
				if s := w.scheduled("s"); (s.Skipped != nil) != (tc.policy == paas.OverlapSkip) {
					t.Errorf("skipped: %+v", s.Skipped)
				}
				pass(time.Minute)
				w.wantRuns(tc.then...)
			})
		})
	}
}

func TestTimesThatPaasdWasAwayFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.add(paas.Schedule{Name: "caught-up", Cron: "0 * * * *", CatchUp: true})
		w.add(paas.Schedule{Name: "left-out", Cron: "0 * * * *"})
		w.add(paas.Schedule{Name: "punctual", Cron: "30 5 * * *"})
		pass(30 * time.Minute)
		w.halt()
		pass(5*time.Hour + 20*time.Second) // to 05:30:20
		w.boot()
		pass(time.Second)
		w.wantRuns("run.1 caught-up running", "run.2 punctual running")
		if s := w.scheduled("left-out"); s.Skipped == nil || s.Skipped.At.Hour() != 5 {
			t.Errorf("left out: %+v", s.Skipped)
		}
		pass(30 * time.Minute)
		w.wantRuns("run.1 caught-up running", "run.2 punctual running", "run.3 left-out running")
	})
}

func TestAClockThatJumpsMakesNoStormAndNothingTwice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.add(paas.Schedule{Name: "s", Cron: "*/5 * * * *", Overlap: paas.OverlapAllow})
		w.add(paas.Schedule{Name: "every", Cron: "@every 5m", Overlap: paas.OverlapAllow})
		pass(5*time.Minute + time.Second)
		w.wantRuns("run.1 every running", "run.2 s running")
		w.jump.Store(int64(100*24*time.Hour + 2*time.Minute)) // now it is 00:07 of another day
		pass(time.Minute)
		w.wantRuns("run.1 every running", "run.2 s running")
		pass(3 * time.Minute) // 00:11
		w.wantRuns("run.1 every running", "run.2 s running", "run.3 every running", "run.4 s running")
		w.jump.Add(int64(-time.Hour)) // what is an hour or so comes again, and not the runs
		pass(59 * time.Minute)
		w.wantRuns("run.1 every running", "run.2 s running", "run.3 every running", "run.4 s running")
		w.jump.Add(int64(-1000 * time.Hour)) // a clock that was wrong
		pass(11 * time.Minute)
		list := must(w.Runs(context.Background(), "hello", 1000))(t)
		if len(list) < 6 || len(list) > 10 {
			t.Errorf("%d runs after the clock was put right", len(list))
		}
	})
}

func TestRunningAScheduleByHand(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := paas.WithUser(context.Background(), "ada")
		w.create()
		w.mustPush("img1")
		w.add(paas.Schedule{Name: "s", Cron: "@yearly"})
		must(w.SetSchedule(ctx, "hello", "s", paas.SchedulePatch{Enabled: new(bool)}))(t)
		run := must(w.RunSchedule(ctx, "hello", "s"))(t)
		if run.Name != "run.1" || run.User != "ada" || run.Schedule != "s" || run.Status != paas.RunRunning {
			t.Errorf("%+v", run)
		}
		if _, err := w.RunSchedule(ctx, "hello", "s"); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "s runs already, as run.1") {
			t.Errorf("twice: %v", err)
		}
		if _, err := w.RunSchedule(ctx, "hello", "t"); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("one that there is not: %v", err)
		}
		w.end("run.1", 0)
		if s := w.scheduled("s"); *s.Last.ExitCode != 0 || s.NextAt != nil || s.Enabled {
			t.Errorf("%+v", s)
		}
	})
}

func TestDisabledAndRemovedSchedulesDoNotRun(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx, on := context.Background(), true
		w.create()
		w.mustPush("img1")
		w.add(paas.Schedule{Name: "s", Cron: "0 * * * *", CatchUp: true})
		must(w.SetSchedule(ctx, "hello", "s", paas.SchedulePatch{Enabled: new(bool)}))(t)
		pass(3 * time.Hour)
		must(w.SetSchedule(ctx, "hello", "s", paas.SchedulePatch{Enabled: &on}))(t)
		pass(30 * time.Minute)
		w.wantRuns()
		pass(31 * time.Minute)
		w.wantRuns("run.1 s running")
		must(w.RemoveSchedule(ctx, "hello", "s"))(t)
		pass(2 * time.Hour)
		w.end("run.1", 0)
		w.wantRuns("run.1 s exited")
		if _, err := w.RemoveSchedule(ctx, "hello", "s"); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("removed twice: %v", err)
		}
	})
}

func TestSchedulesEndWithTheirApp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.add(paas.Schedule{Name: "s", Cron: "@hourly"})
		pass(time.Hour + time.Second)
		w.wantRunning("run.1 v1", "web.1 v1")
		if err := w.DestroyApp(context.Background(), "hello", &progressLog{}); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Hour)
		w.wantRunning()
		if all := must(w.db.AllSchedules())(t); len(all) != 0 {
			t.Errorf("left: %+v", all)
		}
	})
}

func TestManySchedulesOfOneTimeAreBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		for i := range 30 {
			w.add(paas.Schedule{Name: fmt.Sprintf("s%02d", i), Cron: "0 1 * * *"})
		}
		pass(time.Hour + time.Second)
		if n := len(w.runtime.running()); n != 21 {
			t.Errorf("%d instances, not web.1 and 20 runs", n)
		}
		if s := w.scheduled("s29"); s.Skipped == nil || !strings.Contains(s.Skipped.Reason, "hello has 20 runs under way") {
			t.Errorf("one too many: %+v", s.Skipped)
		}
		_, err := w.CreateRun(context.Background(), "hello", paas.RunRequest{Command: []string{"x"}, Detach: true})
		if paas.CodeOf(err) != paas.Conflict {
			t.Errorf("a run besides: %v", err)
		}
		w.end("run.7", 0)
		must(w.CreateRun(context.Background(), "hello", paas.RunRequest{Command: []string{"x"}, Detach: true}))(t)
	})
}

func TestADetachedRunIsStoppedAfterItsTimeoutThoughPaasdRestarts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.CreateRun(context.Background(), "hello", paas.RunRequest{Command: []string{"x"}, Detach: true, Timeout: 10 * time.Minute}))(t)
		pass(5 * time.Minute)
		w.halt()
		w.boot()
		pass(11 * time.Minute)
		r := must(w.Run(context.Background(), "hello", 1))(t)
		if r.Status != paas.RunFailed || r.Error != "stopped: it took longer than 10m0s" {
			t.Errorf("%+v", r)
		}
		w.wantRunning("web.1 v1")
	})
}

func TestInstancesStartInTheSubnetThatTheirAppHasThen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		w.mustPush("img1")
		waiting := must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"x"}}))(t)
		app := must(w.db.AppByName("hello"))(t)
		moved := must(w.db.MoveSubnet(app.ID))(t)
		old := app.Subnet
		if _, err := w.AttachRun(ctx, "hello", 1, paas.Stdio{Stdout: &progressLog{}}); err != nil {
			t.Fatal(err)
		}
		if used := w.runtime.subnets[waiting.Name]; used != moved.Subnet {
			t.Errorf("the run that waited is in %s, its app had %s and has %s", used, old, moved.Subnet)
		}
		w.runtime.exit(w.instance("web.1").ID, 1)
		pass(time.Minute)
		if used := w.runtime.subnets["web.1"]; used != moved.Subnet {
			t.Errorf("the replacement of web.1 is in %s", used)
		}
		// The release command's network is the first, and finds the subnet taken; what is started after it has another.
		w.runtime.occupy(moved.Subnet)
		types := append(slices.Clone(hello), paas.ProcessType{Name: "release", Command: "./hello migrate"})
		if _, out, err := w.push("img2", types); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		now := must(w.db.AppByName("hello"))(t).Subnet
		if used := w.runtime.subnets["web.1"]; used != now || used == moved.Subnet {
			t.Errorf("web.1 of v2 is in %s, its app in %s", used, now)
		}
		if tried := w.runtime.refused; tried != 1 {
			t.Errorf("%d instances tried a subnet that is taken, not just the first", tried)
		}
	})
}
