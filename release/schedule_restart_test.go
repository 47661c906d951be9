package release

import (
	"context"
	"testing"
	"time"

	"paas"
)

func TestAScheduledRunThatPaasdDiedInIsNotRepeated(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.add(paas.Schedule{Name: "s", Cron: "0 * * * *", CatchUp: true})
		pass(time.Minute)
		w.halt()
		// As if paasd had been killed between recording the run and starting it.
		w.boot()
		app := must(w.db.AppByName("hello"))(t)
		run := must(w.db.AppendScheduledRun(paas.Run{App: app.ID, Release: 1, Command: []string{"x"}, User: cronUser, Detached: true, Schedule: "s"}, 0,
			func(s *paas.ScheduleState, r paas.Run) {
				s.Reached, s.Last = w.Now().Add(time.Hour).Truncate(time.Hour), paas.LastRun{Run: r.ID, At: s.Reached, Status: r.Status}
			}))(t)
		w.halt()
		pass(time.Hour)
		w.boot()
		pass(30 * time.Minute)
		w.wantRuns(run.Name() + " s failed")
		if s := w.scheduled("s"); s.Last.Status != paas.RunFailed || s.Last.Error != interrupted {
			t.Errorf("the last run is %+v", s.Last)
		}
		pass(time.Hour)
		w.wantRuns(run.Name()+" s failed", "run.2 s running")
	})
}

func TestARunThatWasLostDoesNotCountAsUnderWay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.add(paas.Schedule{Name: "s", Cron: "0 * * * *"})
		pass(time.Hour + time.Second)
		lost := w.instance("run.1")
		w.halt()
		if err := w.runtime.Remove(context.Background(), lost.ID); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour) // the next is due when paasd comes back
		w.boot()
		pass(time.Second)
		w.wantRuns("run.1 s failed", "run.2 s running")
	})
}

func TestAScheduledRunGoesOnOverARestartOfPaasd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.add(paas.Schedule{Name: "s", Cron: "@hourly"})
		pass(time.Hour + time.Second)
		w.halt()
		pass(58 * time.Minute)
		w.boot()
		pass(3 * time.Minute)
		w.wantRuns("run.1 s running")
		if s := w.scheduled("s"); s.Skipped == nil || s.Skipped.Reason != "run.1 had not ended" {
			t.Errorf("it is under way: %+v", s.Skipped)
		}
		w.end("run.1", 3)
		if s := w.scheduled("s"); *s.Last.ExitCode != 3 {
			t.Errorf("its end: %+v", s.Last)
		}
	})
}
