package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestBuildsCountFromOneAndAreListedNewestFirst(t *testing.T) {
	db := open(t, t.TempDir())
	a, b := must(db.CreateApp("a", ""))(t), must(db.CreateApp("b", ""))(t)
	first := must(db.AppendBuild(paas.Build{App: a.ID, Commit: "c1", User: "ada"}))(t)
	second := must(db.AppendBuild(paas.Build{App: a.ID, ID: 99, Status: paas.BuildBuilding}))(t)
	other := must(db.AppendBuild(paas.Build{App: b.ID}))(t)
	want := paas.Build{App: a.ID, ID: 1, Status: paas.BuildPending, Commit: "c1", User: "ada", CreatedAt: db.timestamp()}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if second.ID != 2 || second.Status != paas.BuildBuilding || other.ID != 1 {
		t.Errorf("builds %+v, %+v", second, other)
	}
	first.Status, first.FinishedAt, first.Image = paas.BuildSucceeded, time.Unix(9, 0).UTC(), paas.Image{ID: "sha256:1", Port: 80}
	first.Types = paas.ProcessTypes{{Name: "web", Command: "./web"}}
	check(t, db.UpdateBuild(first))
	if diff := cmp.Diff([]paas.Build{second, first}, must(db.Builds(a.ID))(t)); diff != "" {
		t.Error(diff)
	}
	if n := len(must(db.UnfinishedBuilds())(t)); n != 2 {
		t.Errorf("%d unfinished builds, want 2", n)
	}
	if diff := cmp.Diff(first, must(db.Build(a.ID, 1))(t)); diff != "" {
		t.Error(diff)
	}
	for _, n := range []int{0, 3, -1} {
		_, err := db.Build(a.ID, n)
		wantCode(t, err, paas.NotFound)
		wantCode(t, db.UpdateBuild(paas.Build{App: a.ID, ID: n}), paas.NotFound)
	}
	check(t, db.bolt.View(invariants))
}

func TestRunsAreUnfinishedUntilTheyExitOrFail(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("a", ""))(t)
	for n, status := range []paas.RunStatus{"", paas.RunRunning, paas.RunExited, paas.RunFailed} {
		r := must(db.AppendRun(paas.Run{App: app.ID, Command: []string{"sh", "-c", "x"}}, 0))(t)
		if r.ID != n+1 || r.Status != paas.RunPending || r.CreatedAt.IsZero() {
			t.Errorf("made %+v", r)
		}
		if status != "" {
			r.Status, r.ExitCode = status, 7
			check(t, db.UpdateRun(r))
		}
		if diff := cmp.Diff(r, must(db.Run(app.ID, r.ID))(t)); diff != "" {
			t.Error(diff)
		}
	}
	var unfinished, all []int
	for _, r := range must(db.UnfinishedRuns())(t) {
		unfinished = append(unfinished, r.ID)
	}
	for _, r := range must(db.Runs(app.ID, 50))(t) {
		all = append(all, r.ID)
	}
	if diff := cmp.Diff([][]int{{1, 2}, {4, 3, 2, 1}}, [][]int{unfinished, all}); diff != "" {
		t.Error(diff)
	}
	_, err := db.Run(app.ID, 5)
	wantCode(t, err, paas.NotFound)
	if want := "there is no run.5"; paasMessage(err) != want {
		t.Errorf("error %q, want %q", err, want)
	}
	check(t, db.bolt.View(invariants))
}
