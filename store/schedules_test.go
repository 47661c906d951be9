package store

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"paas"
)

func TestTheOldestRunsThatAreOverGo(t *testing.T) {
	db := open(t, t.TempDir())
	db.bolt.NoSync = true // nobody pulls the plug here
	app := must(db.CreateApp("a", ""))(t)
	other := must(db.CreateApp("b", ""))(t)
	must(db.AppendRun(paas.Run{App: other.ID, Status: paas.RunExited}, 0))(t)
	going := must(db.AppendRun(paas.Run{App: app.ID}, 0))(t)
	for range paas.KeptRuns + 9 {
		must(db.AppendRun(paas.Run{App: app.ID, Status: paas.RunExited}, 0))(t)
	}
	list := must(db.Runs(app.ID, 10_000))(t)
	if len(list) != paas.KeptRuns+1 || list[len(list)-1].ID != going.ID || list[0].ID != paas.KeptRuns+10 || list[paas.KeptRuns-1].ID != 11 {
		t.Errorf("%d runs are kept, from %d to %d", len(list), list[len(list)-1].ID, list[0].ID)
	}
	if some := must(db.Runs(app.ID, 3))(t); len(some) != 3 || some[0].ID != list[0].ID {
		t.Errorf("the newest 3 are %+v", some)
	}
	going.Status = paas.RunExited
	check(t, db.UpdateRun(going))
	if list := must(db.Runs(app.ID, 10_000))(t); len(list) != paas.KeptRuns {
		t.Errorf("%d runs are kept once the oldest is over", len(list))
	}
	must(db.Run(other.ID, 1))(t)
	check(t, db.bolt.View(invariants))
}

func TestRunsOfAnEarlierSchemaAreBoundWhenItMoves(t *testing.T) {
	db := open(t, t.TempDir())
	db.bolt.NoSync = true
	app := must(db.CreateApp("a", ""))(t)
	check(t, db.bolt.Update(func(tx *bbolt.Tx) error {
		b := must(of(tx, bucketRuns, app.ID))(t)
		for n := 1; n <= paas.KeptRuns+50; n++ {
			check(t, put(b, number(n), paas.Run{App: app.ID, ID: n, Status: paas.RunExited}))
		}
		check(t, b.SetSequence(paas.KeptRuns+50))
		return trimRuns(tx)
	}))
	if list := must(db.Runs(app.ID, 10_000))(t); len(list) != paas.KeptRuns || list[len(list)-1].ID != 51 {
		t.Errorf("%d runs are left", len(list))
	}
}

func TestRunsUnderWayAreBound(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	first := must(db.AppendRun(paas.Run{App: app.ID}, 2))(t)
	must(db.AppendRun(paas.Run{App: app.ID}, 2))(t)
	_, err := db.AppendRun(paas.Run{App: app.ID}, 2)
	wantCode(t, err, paas.Conflict)
	if paasMessage(err) != "hello has 2 runs under way, as many as an app may have at a time" || !strings.Contains(hint(err), "paas run:stop RUN -a hello") {
		t.Errorf("%q, %q", paasMessage(err), hint(err))
	}
	must(db.AppendRun(paas.Run{App: app.ID}, 0))(t)
	for _, id := range []int{first.ID, 2} {
		check(t, db.UpdateRun(paas.Run{App: app.ID, ID: id, Status: paas.RunFailed}))
	}
	must(db.AppendRun(paas.Run{App: app.ID}, 2))(t)
}

func TestSchedules(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	if all := must(db.Schedules(app.ID))(t); all == nil || len(all) != 0 {
		t.Errorf("none is %#v", all)
	}
	s := must(db.AddSchedule(paas.ScheduleState{App: app.ID, Schedule: paas.Schedule{Name: "s", Cron: "@daily", Command: []string{"x"}}, User: "ada"}))(t)
	if s.Reached.IsZero() {
		t.Error("a new one has come nowhere")
	}
	_, err := db.AddSchedule(s)
	wantCode(t, err, paas.Conflict)
	run := must(db.AppendScheduledRun(paas.Run{App: app.ID, Schedule: "s"}, 1, func(s *paas.ScheduleState, r paas.Run) { s.Last.Run = r.ID }))(t)
	_, err = db.AppendScheduledRun(paas.Run{App: app.ID, Schedule: "s"}, 1, func(*paas.ScheduleState, paas.Run) { t.Error("one too many") })
	wantCode(t, err, paas.Conflict)
	_, err = db.AppendScheduledRun(paas.Run{App: app.ID, Schedule: "other"}, 0, func(*paas.ScheduleState, paas.Run) {})
	wantCode(t, err, paas.NotFound)
	if list := must(db.Runs(app.ID, 50))(t); len(list) != 1 {
		t.Errorf("a run without its schedule is recorded: %+v", list)
	}
	run.Status, run.ExitCode = paas.RunExited, 4
	check(t, db.UpdateRun(run))
	if got := must(db.Schedule(app.ID, "s"))(t); got.Last.ExitCode != 4 || got.Last.Status != paas.RunExited {
		t.Errorf("it says of its run %+v", got.Last)
	}
	must(db.RemoveSchedule(app.ID, "s"))(t)
	check(t, db.UpdateRun(run))
	for _, err := range []error{err2(db.Schedule(app.ID, "s")), err2(db.RemoveSchedule(app.ID, "s")), err2(db.UpdateSchedule(app.ID, "s", nil))} {
		wantCode(t, err, paas.NotFound)
	}
	for range paas.MaxSchedules {
		s.Schedule.Name += "s"
		must(db.AddSchedule(s))(t)
	}
	s.Schedule.Name += "s"
	_, err = db.AddSchedule(s)
	wantCode(t, err, paas.Conflict)
	if all := must(db.AllSchedules())(t); len(all) != paas.MaxSchedules {
		t.Errorf("%d of all apps", len(all))
	}
	check(t, db.DeleteApp(app.ID))
	if all := must(db.AllSchedules())(t); len(all) != 0 {
		t.Errorf("%d of an app that is gone", len(all))
	}
	check(t, db.bolt.View(invariants))
}

func err2[T any](_ T, err error) error { return err }

func TestAReleaseThatFailsDeclaresNoSchedules(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	declared := []paas.Schedule{{Name: "s", Cron: "@daily", Command: []string{"x"}}}
	for version, o := range []paas.Outcome{failed("x"), succeeded(), failed("x")} {
		r := must(db.AppendRelease(paas.Release{App: app.ID, Schedules: declared}, nil))(t)
		must(db.FinishRelease(app.ID, r.Version, o, nil))(t)
		if n := len(must(db.Schedules(app.ID))(t)); (n == 0) != (version == 0) {
			t.Errorf("v%d: %d schedules", r.Version, n)
		}
		if version == 1 {
			declared = nil
		}
	}
	if diff := cmp.Diff("s", must(db.Schedules(app.ID))(t)[0].Schedule.Name); diff != "" {
		t.Error(diff)
	}
}
