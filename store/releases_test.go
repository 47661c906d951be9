package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"paas"
)

func succeeded() paas.Outcome { return paas.Outcome{Status: paas.ReleaseSucceeded} }

func failed(why string) paas.Outcome { return paas.Outcome{Status: paas.ReleaseFailed, Error: why} }

func TestAReleaseIsKeptAsGivenAndNumbered(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	given := paas.Release{
		App: app.ID, Description: `Deploy 1a2b3c4 <&>`, User: "ada", Build: 3, Commit: "1a2b3c4d",
		Image: paas.Image{ID: "sha256:1", Port: 8080, Shell: true}, Types: paas.ProcessTypes{{Name: "web", Command: "./hello"}, {Name: "a"}},
		Checks:   paas.Checks{Path: "/up", Timeout: 90, StopTimeouts: map[string]paas.Seconds{"worker": 120}, Strategy: paas.Recreate},
		Declared: paas.Checks{Interval: 5},
		Version:  99, Parent: 99, PrevHash: "x", Hash: "x", ConfigVersion: 99, ConfigKeys: []string{"X"}, ConfigSum: "x", Outcome: failed("x"),
	}
	got := must(db.AppendRelease(given, paas.Config{"B": "2", "A": "1"}))(t)
	want := given
	want.Version, want.Parent, want.PrevHash, want.ConfigVersion, want.ConfigKeys = 1, 0, "", 1, []string{"A", "B"}
	want.CreatedAt, want.Outcome = db.timestamp(), paas.Outcome{Status: paas.ReleasePending}
	want.Hash, want.ConfigSum = got.Hash, got.ConfigSum
	if len(got.Hash) != 64 || len(got.ConfigSum) != 64 {
		t.Errorf("hash %q, config sum %q", got.Hash, got.ConfigSum)
	}
	for _, got := range []paas.Release{got, must(db.Release(app.ID, 1))(t), must(db.PendingReleases())(t)[0], must(db.Releases(app.ID))(t)[0]} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if must(db.App(app.ID))(t).ConfigVersion != 0 {
		t.Error("a pending release changed the app")
	}
}

func TestASucceededReleaseIsCurrentAndAFailedOneChangesNothing(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	must(db.UpdateApp(app.ID, func(a *paas.App) error {
		a.Restarted, a.Stopped = map[string]int{"web.1": 1}, map[string]bool{"web.2": true}
		return nil
	}))(t)
	must(db.AppendRelease(paas.Release{App: app.ID}, paas.Config{"A": "1"}))(t)
	before := must(db.App(app.ID))(t)
	after := must(db.FinishRelease(app.ID, 1, failed("it crashed"), func(*paas.App) { t.Error("changed by a failed release") }))(t)
	if diff := cmp.Diff(before, after, cmpPrefix); diff != "" {
		t.Error(diff)
	}
	must(db.AppendRelease(paas.Release{App: app.ID}, paas.Config{"A": "2"}))(t)
	o := paas.Outcome{Status: paas.ReleaseSucceeded, Phases: []paas.Phase{{Name: "start", Seconds: 0.5}}}
	after = must(db.FinishRelease(app.ID, 2, o, func(a *paas.App) { a.Formation["web"] = 1 }))(t)
	want := before
	want.Current, want.ConfigVersion, want.Restarted, want.Stopped, want.Formation = 2, 2, nil, nil, paas.Formation{"web": 1}
	for _, got := range []paas.App{after, must(db.App(app.ID))(t)} {
		if diff := cmp.Diff(want, got, cmpPrefix); diff != "" {
			t.Error(diff)
		}
	}
	o.FinishedAt = db.timestamp()
	if diff := cmp.Diff(o, must(db.Release(app.ID, 2))(t).Outcome); diff != "" {
		t.Error(diff)
	}
	if n := len(must(db.PendingReleases())(t)); n != 0 {
		t.Errorf("%d are pending", n)
	}
	check(t, db.VerifyReleases(app.ID))
}

func TestAReleaseIsFinishedOnce(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	for range 3 {
		must(db.AppendRelease(paas.Release{App: app.ID}, nil))(t)
	}
	must(db.FinishRelease(app.ID, 2, succeeded(), nil))(t)
	for name, c := range map[string]struct {
		version int
		outcome paas.Outcome
		code    paas.Code
	}{
		"again":            {2, failed(""), paas.Conflict},
		"behind":           {1, succeeded(), paas.Conflict},
		"unknown":          {4, succeeded(), paas.NotFound},
		"zero":             {0, succeeded(), paas.NotFound},
		"negative":         {-1, succeeded(), paas.NotFound},
		"not an outcome":   {3, paas.Outcome{Status: paas.ReleasePending}, paas.Internal},
		"without a status": {3, paas.Outcome{}, paas.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := db.FinishRelease(app.ID, c.version, c.outcome, nil)
			wantCode(t, err, c.code)
		})
	}
	must(db.FinishRelease(app.ID, 1, failed("superseded"), nil))(t)
	if got := must(db.App(app.ID))(t).Current; got != 2 {
		t.Errorf("v%d is current", got)
	}
	check(t, db.bolt.View(invariants))
}

func TestAnEqualConfigIsStoredOnce(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	release := func(c paas.Config, o paas.Outcome) int {
		r := must(db.AppendRelease(paas.Release{App: app.ID}, c))(t)
		must(db.FinishRelease(app.ID, r.Version, o, nil))(t)
		return r.ConfigVersion
	}
	got := []int{
		release(nil, succeeded()), release(paas.Config{}, succeeded()), release(paas.Config{"A": "1"}, failed("")),
		release(paas.Config{"A": "2"}, succeeded()), release(paas.Config{"A": "2"}, succeeded()), release(paas.Config{"A": "1"}, succeeded()),
	}
	if diff := cmp.Diff([]int{0, 0, 1, 2, 2, 3}, got); diff != "" {
		t.Error(diff)
	}
	r := must(db.Releases(app.ID))(t)
	if r[0].ConfigSum != r[3].ConfigSum || r[0].ConfigSum == r[1].ConfigSum {
		t.Error("config sums do not follow the configs")
	}
	check(t, db.VerifyReleases(app.ID))
}

func TestAConfigKeptBeforeTheFirstReleaseGoesIntoIt(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	if c := must(db.Config(app.ID, 0))(t); c == nil || len(c) != 0 {
		t.Errorf("version 0 is %#v", c)
	}
	must(db.KeepConfig(app.ID, paas.Config{"A": "1"}))(t)
	kept := must(db.KeepConfig(app.ID, paas.Config{"A": "1", "B": "2"}))(t)
	if kept.ConfigVersion != 2 {
		t.Errorf("config version %d", kept.ConfigVersion)
	}
	config := must(db.Config(app.ID, kept.ConfigVersion))(t)
	r := must(db.AppendRelease(paas.Release{App: app.ID}, config))(t)
	if r.ConfigVersion != 2 {
		t.Errorf("v1 has config version %d", r.ConfigVersion)
	}
	must(db.FinishRelease(app.ID, 1, succeeded(), nil))(t)
	_, err := db.KeepConfig(app.ID, paas.Config{})
	wantCode(t, err, paas.Conflict)
	for _, version := range []int{3, -1} {
		_, err = db.Config(app.ID, version)
		wantCode(t, err, paas.NotFound)
	}
}

func TestVersionsAreGaplessWhenManyReleaseAtOnce(t *testing.T) {
	db := open(t, t.TempDir())
	const apps, writers, each = 4, 3, 8
	var wg sync.WaitGroup
	var ids []string
	for n := range apps {
		app := must(db.CreateApp(fmt.Sprintf("app%d", n), ""))(t)
		ids = append(ids, app.ID)
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					r, err := db.AppendRelease(paas.Release{App: app.ID}, paas.Config{"W": fmt.Sprint(w, i)})
					if err == nil {
						_, err = db.FinishRelease(app.ID, r.Version, failed(""), nil)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	for _, id := range ids {
		releases := must(db.Releases(id))(t)
		for i, r := range releases {
			if want := writers*each - i; r.Version != want {
				t.Fatalf("release %d of the list is v%d, want v%d", i, r.Version, want)
			}
		}
		check(t, db.VerifyReleases(id))
	}
	check(t, db.bolt.View(invariants))
}

func TestAFailedAppendUsesNoVersion(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	cause := errors.New("cut off")
	err := db.write("append and fail", func(tx *bbolt.Tx) error {
		if _, err := chain(tx, paas.Release{App: app.ID}); err != nil {
			return err
		}
		return cause
	})
	if !errors.Is(err, cause) {
		t.Fatal(err)
	}
	if r := must(db.AppendRelease(paas.Release{App: app.ID}, nil))(t); r.Version != 1 {
		t.Errorf("v%d, want v1", r.Version)
	}
}

// tamper changes the ledger of a closed store behind its back.
func tamper(t *testing.T, dir, app string, fn func(ledger *bbolt.Bucket) error) {
	t.Helper()
	edit(t, dir, func(tx *bbolt.Tx) error { return fn(tx.Bucket(bucketReleases).Bucket([]byte(app))) })
}

func TestATamperedLedgerDoesNotVerify(t *testing.T) {
	replace := func(version int, from, to string) func(*bbolt.Bucket) error {
		return func(b *bbolt.Bucket) error {
			data := b.Get(number(version))
			if !bytes.Contains(data, []byte(from)) {
				return fmt.Errorf("v%d has no %s", version, from)
			}
			return b.Put(number(version), bytes.ReplaceAll(data, []byte(from), []byte(to)))
		}
	}
	for name, c := range map[string]struct {
		change  func(*bbolt.Bucket) error
		version int
	}{
		"a field":          {replace(3, `"user":"ada"`, `"user":"eve"`), 3},
		"a new field":      {replace(3, `"user":"ada"`, `"user":"ada","x":1`), 3},
		"config":           {replace(3, `"config_version":1`, `"config_version":0`), 3},
		"no JSON":          {func(b *bbolt.Bucket) error { return b.Put(number(2), []byte("{")) }, 2},
		"first removed":    {func(b *bbolt.Bucket) error { return b.Delete(number(1)) }, 1},
		"one removed":      {func(b *bbolt.Bucket) error { return b.Delete(number(7)) }, 7},
		"last removed":     {func(b *bbolt.Bucket) error { return b.Delete(number(20)) }, 20},
		"one added":        {func(b *bbolt.Bucket) error { return b.Put(number(21), b.Get(number(20))) }, 21},
		"one in two slots": {func(b *bbolt.Bucket) error { return b.Put(number(5), b.Get(number(4))) }, 5},
		"rewritten with a hash that fits": {func(b *bbolt.Bucket) error {
			var l ledgerRecord
			if err := json.Unmarshal(b.Get(number(9)), &l); err != nil {
				return err
			}
			l.Entry = bytes.Replace(l.Entry, []byte(`"user":"ada"`), []byte(`"user":"eve"`), 1)
			l.Hash = hashEntry(l.Entry)
			return put(b, number(9), l)
		}, 10},
	} {
		t.Run(name, func(t *testing.T) {
			dir, app := filled(t)
			tamper(t, dir, app, c.change)
			err := open(t, dir).VerifyReleases(app)
			wantCode(t, err, paas.Failed)
			if want := fmt.Sprintf("release v%d does not verify", c.version); !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %q, want %q", err, want)
			}
		})
	}
}

func TestASwappedConfigDoesNotVerify(t *testing.T) {
	dir, app := filled(t)
	edit(t, dir, func(tx *bbolt.Tx) error { return tx.Bucket(bucketConfigs).Bucket([]byte(app)).Delete(number(1)) })
	wantCode(t, open(t, dir).VerifyReleases(app), paas.Failed)
}

func TestAnOutcomeIsNotPartOfTheHash(t *testing.T) {
	dir, app := filled(t)
	db := open(t, dir)
	before := must(db.AppendRelease(paas.Release{App: app}, nil))(t)
	must(db.FinishRelease(app, before.Version, failed("x"), nil))(t)
	if after := must(db.Release(app, before.Version))(t); after.Hash != before.Hash {
		t.Error("the hash changed with the outcome")
	}
	check(t, db.VerifyReleases(app))
}

// TestALedgerEntryIsStoredAsItWasHashed pins the form on disk: a change of it would orphan every ledger there is.
func TestALedgerEntryIsStoredAsItWasHashed(t *testing.T) {
	l := must(newLedgerRecord(paas.Release{App: "a", Version: 2, User: "ada", PrevHash: "p", Outcome: failed("x")}))(t)
	want := `{"app":"a","build":0,"commit":"","config_keys":null,"config_sum":"","config_version":0,"created_at":"0001-01-01T00:00:00Z",` +
		`"description":"","image":{"id":""},"parent":0,"prev_hash":"p","types":null,"user":"ada","version":2}`
	if diff := cmp.Diff(want, string(l.Entry)); diff != "" {
		t.Error(diff)
	}
	checked := must(newLedgerRecord(paas.Release{App: "a", Version: 2, User: "ada", PrevHash: "p", Checks: paas.Checks{Path: "/up", Timeout: 90}}))(t)
	want = strings.Replace(want, `"commit"`, `"checks":{"path":"/up","timeout":90},"commit"`, 1)
	if diff := cmp.Diff(want, string(checked.Entry)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(failed("x"), l.Outcome); diff != "" {
		t.Error(diff)
	}
}
