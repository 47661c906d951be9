package store

import (
	"slices"
	"testing"
	"time"

	"paas"
)

func TestRecordsAreNumberedInTheirOrderThoughTheClockGoesBack(t *testing.T) {
	at := time.Date(2026, 11, 23, 6, 36, 1, 0, time.UTC)
	db := must(Open(t.TempDir(), Options{Now: func() time.Time {
		at = at.Add(-time.Hour)
		return at
	}}))(t)
	defer func() { check(t, db.Close()) }()
	id := must(db.CreateApp("hello", ""))(t).ID
	for range 3 {
		r := must(db.AppendRelease(paas.Release{App: id}, nil))(t)
		must(db.FinishRelease(id, r.Version, succeeded(), nil))(t)
		must(db.AppendBuild(paas.Build{App: id}))(t)
		must(db.AppendRun(paas.Run{App: id}, 0))(t)
		check(t, db.AppendEvents([]paas.Event{{App: id, Time: at}}))
	}
	check(t, db.VerifyReleases(id))
	numbers := map[string][]int{}
	for _, r := range must(db.Releases(id))(t) {
		numbers["releases"] = append(numbers["releases"], r.Version)
	}
	for _, b := range must(db.Builds(id))(t) {
		numbers["builds"] = append(numbers["builds"], b.ID)
	}
	for _, r := range must(db.Runs(id, 50))(t) {
		numbers["runs"] = append(numbers["runs"], r.ID)
	}
	for _, ev := range must(db.Events(id, 10))(t) {
		numbers["events"] = append(numbers["events"], ev.ID)
	}
	for what, got := range numbers {
		if !slices.Equal(got, []int{3, 2, 1}) {
			t.Errorf("%s, newest first: %v", what, got)
		}
	}
	if app := must(db.App(id))(t); app.Current != 3 || len(numbers) != 4 {
		t.Errorf("%+v, %v", app, numbers)
	}
}
