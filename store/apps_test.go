package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestAnAppIsFoundByIDAndName(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", "hello.localhost"))(t)
	if !validID(app.ID, appIDLength) || app.CreatedAt.IsZero() || app.Formation == nil || app.Subnet != prefix("10.83.0.0/26") {
		t.Errorf("made %+v", app)
	}
	for _, got := range []paas.App{must(db.App(app.ID))(t), must(db.AppByName("hello"))(t)} {
		if diff := cmp.Diff(app, got, cmpPrefix); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnUnknownAppIsNotFoundByAnyMethod(t *testing.T) {
	db := open(t, t.TempDir())
	for _, id := range []string{"", "nosuchapp123", "../x", strings.Repeat("x", 70_000)} {
		for name, call := range map[string]func() error{
			"App":           func() error { _, err := db.App(id); return err },
			"AppByName":     func() error { _, err := db.AppByName(id); return err },
			"UpdateApp":     func() error { _, err := db.UpdateApp(id, func(*paas.App) error { return nil }); return err },
			"RenameApp":     func() error { _, err := db.RenameApp(id, "x", ""); return err },
			"DeleteApp":     func() error { return db.DeleteApp(id) },
			"MoveSubnet":    func() error { _, err := db.MoveSubnet(id); return err },
			"KeepConfig":    func() error { _, err := db.KeepConfig(id, nil); return err },
			"Config":        func() error { _, err := db.Config(id, 0); return err },
			"AppendRelease": func() error { _, err := db.AppendRelease(paas.Release{App: id}, nil); return err },
			"FinishRelease": func() error {
				_, err := db.FinishRelease(id, 1, paas.Outcome{Status: paas.ReleaseFailed}, nil)
				return err
			},
			"Release":        func() error { _, err := db.Release(id, 1); return err },
			"Releases":       func() error { _, err := db.Releases(id); return err },
			"VerifyReleases": func() error { return db.VerifyReleases(id) },
			"AppendBuild":    func() error { _, err := db.AppendBuild(paas.Build{App: id}); return err },
			"UpdateBuild":    func() error { return db.UpdateBuild(paas.Build{App: id, ID: 1}) },
			"Build":          func() error { _, err := db.Build(id, 1); return err },
			"Builds":         func() error { _, err := db.Builds(id); return err },
			"AppendRun":      func() error { _, err := db.AppendRun(paas.Run{App: id}, 0); return err },
			"UpdateRun":      func() error { return db.UpdateRun(paas.Run{App: id, ID: 1}) },
			"Run":            func() error { _, err := db.Run(id, 1); return err },
			"Runs":           func() error { _, err := db.Runs(id, 50); return err },
			"Schedules":      func() error { _, err := db.Schedules(id); return err },
			"AddSchedule":    func() error { _, err := db.AddSchedule(paas.ScheduleState{App: id}); return err },
			"Schedule":       func() error { _, err := db.Schedule(id, "s"); return err },
			"AddDomain":      func() error { return db.AddDomain(id, "a.example.com", "") },
			"RemoveDomain":   func() error { return db.RemoveDomain(id, "a.example.com") },
			"Domains":        func() error { _, err := db.Domains(id); return err },
		} {
			err := call()
			wantCode(t, err, paas.NotFound)
			if want := "there is no app " + paas.Quote(id); paasMessage(err) != want || hint(err) != "paas apps" {
				t.Errorf("%s: error %q, hint %q", name, err, hint(err))
			}
		}
	}
}

func TestAppsAreListedByName(t *testing.T) {
	db := open(t, t.TempDir())
	if apps := must(db.Apps())(t); apps == nil || len(apps) != 0 {
		t.Errorf("apps of an empty store: %#v", apps)
	}
	for _, name := range []string{"m", "z", "a", "b-2", "b"} {
		must(db.CreateApp(name, ""))(t)
	}
	var names []string
	for _, app := range must(db.Apps())(t) {
		names = append(names, app.Name)
	}
	if diff := cmp.Diff([]string{"a", "b", "b-2", "m", "z"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestAnAppNameOrHostThatIsTakenIsAConflict(t *testing.T) {
	db := open(t, t.TempDir())
	owner := must(db.CreateApp("owner", "owner.localhost"))(t)
	other := must(db.CreateApp("other", "other.localhost"))(t)
	check(t, db.AddDomain(owner.ID, "shop.localhost", "shop"))
	for _, name := range []string{"owner", "shop"} {
		_, err := db.CreateApp(name, name+".localhost")
		wantCode(t, err, paas.Conflict)
		if !strings.Contains(err.Error(), "owner") {
			t.Errorf("%q does not name the owner", err)
		}
		_, err = db.RenameApp(other.ID, name, name+".localhost")
		wantCode(t, err, paas.Conflict)
	}
	must(db.RenameApp(owner.ID, "shop", "shop.localhost"))(t)
	check(t, db.bolt.View(invariants))
}

func TestARenamedAppKeepsEverythingButItsName(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("before", ""))(t)
	check(t, db.AddDomain(app.ID, "www.example.com", ""))
	must(db.AppendRelease(paas.Release{App: app.ID}, paas.Config{"A": "1"}))(t)
	renamed := must(db.RenameApp(app.ID, "after", ""))(t)
	want := app
	want.Name = "after"
	if diff := cmp.Diff(want, renamed, cmpPrefix); diff != "" {
		t.Error(diff)
	}
	_, err := db.AppByName("before")
	wantCode(t, err, paas.NotFound)
	check(t, db.VerifyReleases(app.ID))
	if diff := cmp.Diff([]string{"www.example.com"}, must(db.Domains(app.ID))(t)); diff != "" {
		t.Error(diff)
	}
	must(db.CreateApp("before", ""))(t)
	check(t, db.bolt.View(invariants))
}

func TestADeletedAppLeavesNothingButItsID(t *testing.T) {
	db := open(t, t.TempDir())
	kept := must(db.CreateApp("kept", ""))(t)
	gone := must(db.CreateApp("gone", ""))(t)
	for _, id := range []string{kept.ID, gone.ID} {
		check(t, db.AddDomain(id, id+".example.com", ""))
		must(db.AppendRelease(paas.Release{App: id}, paas.Config{"A": "1"}))(t)
		must(db.AppendBuild(paas.Build{App: id}))(t)
		must(db.AppendRun(paas.Run{App: id}, 0))(t)
	}
	check(t, db.DeleteApp(gone.ID))
	check(t, db.bolt.View(invariants))
	for name, n := range map[string]int{
		"releases": len(must(db.PendingReleases())(t)), "builds": len(must(db.UnfinishedBuilds())(t)), "runs": len(must(db.UnfinishedRuns())(t)),
	} {
		if n != 1 {
			t.Errorf("%d unfinished %s, want those of the app that is left", n, name)
		}
	}
	wantCode(t, db.UpdateBuild(paas.Build{App: gone.ID, ID: 1}), paas.NotFound)
	if left := must(db.GoneApps())(t); len(left) != 1 || left[0].ID != gone.ID || left[0].Subnet != gone.Subnet {
		t.Errorf("gone apps: %v", left)
	}
	check(t, db.ForgetApp(gone.ID))
	check(t, db.ForgetApp(gone.ID))
	if left := must(db.GoneApps())(t); len(left) != 0 {
		t.Errorf("gone apps after they are forgotten: %v", left)
	}
	again := must(db.CreateApp("gone", ""))(t)
	if again.ID == gone.ID || again.Subnet != gone.Subnet {
		t.Errorf("id %s subnet %s; the deleted one had %s, %s", again.ID, again.Subnet, gone.ID, gone.Subnet)
	}
	if n := len(must(db.Releases(again.ID))(t)); n != 0 {
		t.Errorf("the new app has %d releases", n)
	}
}

func TestAChangeOfAnAppIsAllOrNothing(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	refused := paas.Errorf(paas.Invalid, "no").WithHint("do")
	for name, change := range map[string]func(*paas.App) error{
		"error":   func(a *paas.App) error { a.Maintenance = true; return refused },
		"name":    func(a *paas.App) error { a.Name = "other"; return nil },
		"id":      func(a *paas.App) error { a.ID = "other"; return nil },
		"subnet":  func(a *paas.App) error { a.Subnet = prefix("10.0.0.0/26"); return nil },
		"created": func(a *paas.App) error { a.CreatedAt = a.CreatedAt.Add(time.Hour); return nil },
	} {
		_, err := db.UpdateApp(app.ID, change)
		if err == nil || (name == "error") != errors.Is(err, refused) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if diff := cmp.Diff(app, must(db.App(app.ID))(t), cmpPrefix); diff != "" {
		t.Error(diff)
	}
	restarted := map[string]int{"web.1": 2}
	got := must(db.UpdateApp(app.ID, func(a *paas.App) error {
		a.Formation["web"], a.Restarted, a.Maintenance = 4, restarted, true
		return nil
	}))(t)
	app.Formation, app.Restarted, app.Maintenance = paas.Formation{"web": 4}, restarted, true
	for _, got := range []paas.App{got, must(db.App(app.ID))(t)} {
		if diff := cmp.Diff(app, got, cmpPrefix); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAPanicInAChangeReleasesTheStore(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	func() {
		defer func() { _ = recover() }()
		_, _ = db.UpdateApp(app.ID, func(a *paas.App) error { a.Maintenance = true; panic("bug") })
	}()
	if must(db.UpdateApp(app.ID, func(*paas.App) error { return nil }))(t).Maintenance {
		t.Error("half a change was kept")
	}
}

func TestASubnetIsNeverOfTwoApps(t *testing.T) {
	db := openWith(t, t.TempDir(), Options{SubnetPool: prefix("10.84.7.9/24")})
	var apps []paas.App
	for n := range 4 {
		apps = append(apps, must(db.CreateApp(fmt.Sprintf("app%d", n), ""))(t))
		if want := prefix(fmt.Sprintf("10.84.7.%d/26", n*64)); apps[n].Subnet != want {
			t.Errorf("subnet %s, want %s", apps[n].Subnet, want)
		}
	}
	_, err := db.CreateApp("fifth", "")
	wantCode(t, err, paas.Conflict)
	_, err = db.MoveSubnet(apps[0].ID)
	wantCode(t, err, paas.Conflict)
	check(t, db.DeleteApp(apps[2].ID))
	_, err = db.MoveSubnet(apps[0].ID)
	wantCode(t, err, paas.Conflict) // its network may still be there
	check(t, db.ForgetApp(apps[2].ID))
	moved := must(db.MoveSubnet(apps[0].ID))(t)
	if moved.Subnet != apps[2].Subnet {
		t.Errorf("moved to %s, want %s", moved.Subnet, apps[2].Subnet)
	}
	_, err = db.CreateApp("fifth", "")
	wantCode(t, err, paas.Conflict) // the subnet that was left is unusable
	check(t, db.DeleteApp(apps[0].ID))
	check(t, db.ForgetApp(apps[0].ID))
	if got := must(db.CreateApp("fifth", ""))(t); got.Subnet != apps[2].Subnet {
		t.Errorf("subnet %s, want %s", got.Subnet, apps[2].Subnet)
	}
	check(t, db.bolt.View(invariants))
}

func TestAnotherPoolServesNewAppsOnly(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	before := must(db.CreateApp("before", ""))(t)
	check(t, db.Close())
	db = openWith(t, dir, Options{SubnetPool: prefix("10.99.0.0/20")})
	if got := must(db.App(before.ID))(t).Subnet; got != before.Subnet {
		t.Errorf("subnet became %s", got)
	}
	if got := must(db.CreateApp("after", ""))(t).Subnet; got != prefix("10.99.0.0/26") {
		t.Errorf("subnet %s", got)
	}
}
