package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"paas"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(child(role, os.Getenv(childDir)))
	}
	os.Exit(m.Run())
}

// open opens the store in dir and closes it at the end of the test.
func open(t testing.TB, dir string) *DB {
	t.Helper()
	return openWith(t, dir, Options{Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }})
}

func openWith(t testing.TB, dir string, opts Options) *DB {
	t.Helper()
	db, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return db
}

// filled makes a store with some of everything and closes it; it returns the directory and the app's id.
func filled(t testing.TB) (dir, app string) {
	t.Helper()
	dir = t.TempDir()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := must(db.CreateApp("hello", "hello.localhost"))(t)
	check(t, db.AddDomain(a.ID, "www.example.com", ""))
	for range 20 {
		r := must(db.AppendRelease(paas.Release{App: a.ID, User: "ada"}, paas.Config{"SECRET": secret}))(t)
		must(db.FinishRelease(a.ID, r.Version, paas.Outcome{Status: paas.ReleaseSucceeded}, nil))(t)
	}
	must(db.AppendBuild(paas.Build{App: a.ID}))(t)
	must(db.AppendRun(paas.Run{App: a.ID}, 0))(t)
	check(t, db.AddKey(paas.Key{Name: "ada", Fingerprint: "SHA256:ada"}))
	check(t, db.AddToken(paas.Token{Name: "ci", Sum: "5f"}))
	check(t, db.Close())
	return dir, a.ID
}

const secret = "correct horse battery staple"

// must unwraps a value that comes with an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantCode fails unless err is for users, has the code, and says what to do next.
func wantCode(t testing.TB, err error, code paas.Code) {
	t.Helper()
	if paas.CodeOf(err) != code {
		t.Fatalf("error %v has code %q, want %q", err, paas.CodeOf(err), code)
	}
	if code != paas.Internal && hint(err) == "" {
		t.Errorf("error %v has no hint", err)
	}
}

func TestAnEmptyDirectoryBecomesAStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "var", "paas")
	db := open(t, dir)
	if id := db.Installation(); !validID(id, 8) {
		t.Errorf("installation %q", id)
	}
	for name, mode := range map[string]os.FileMode{"": os.ModeDir | 0o700, dbFile: 0o600, keyFile: 0o600} {
		info := must(os.Stat(filepath.Join(dir, name)))(t)
		if info.Mode() != mode {
			t.Errorf("mode of %q is %v, want %v", name, info.Mode(), mode)
		}
	}
	names := []string{}
	for _, e := range must(os.ReadDir(dir))(t) {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{keyFile, dbFile}, names); diff != "" {
		t.Error(diff)
	}
}

func TestAStoreIsTheSameAfterReopening(t *testing.T) {
	dir, id := filled(t)
	db := open(t, dir)
	first := db.Installation()
	app := must(db.App(id))(t)
	check(t, db.bolt.View(invariants))
	check(t, db.Close())
	again := openWith(t, dir, Options{})
	if again.Installation() != first {
		t.Errorf("installation %q became %q", first, again.Installation())
	}
	if diff := cmp.Diff(app, must(again.App(id))(t), cmpPrefix); diff != "" {
		t.Error(diff)
	}
}

func TestASecondOpenIsAConflict(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	start := time.Now()
	_, err := Open(dir, Options{})
	wantCode(t, err, paas.Conflict)
	if want := "another paasd is using " + dir; err == nil || paasMessage(err) != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %v to say so", took)
	}
}

func TestABoltLockHeldByAStrangerIsAConflict(t *testing.T) {
	dir, _ := filled(t)
	other := must(bbolt.Open(filepath.Join(dir, dbFile), 0o600, nil))(t)
	_, err := Open(dir, Options{})
	wantCode(t, err, paas.Conflict)
	check(t, other.Close())
	open(t, dir)
}

func TestAFailedOpenLeavesNoLock(t *testing.T) {
	dir, _ := filled(t)
	key := filepath.Join(dir, keyFile)
	check(t, os.Rename(key, key+".away"))
	_, err := Open(dir, Options{})
	wantCode(t, err, paas.Unavailable)
	check(t, os.Rename(key+".away", key))
	open(t, dir)
}

func TestACrashedFirstStartIsCompleted(t *testing.T) {
	dir := t.TempDir()
	check(t, open(t, dir).Close())
	key := must(os.ReadFile(filepath.Join(dir, keyFile)))(t)
	check(t, os.Rename(filepath.Join(dir, dbFile), filepath.Join(dir, dbFile+".new")))
	check(t, os.Truncate(filepath.Join(dir, dbFile+".new"), 5000))
	check(t, os.WriteFile(filepath.Join(dir, keyFile+".new"), []byte("half"), 0o600))
	db := open(t, dir)
	must(db.CreateApp("hello", ""))(t)
	if diff := cmp.Diff(key, must(os.ReadFile(filepath.Join(dir, keyFile)))(t)); diff != "" {
		t.Error("the key was replaced")
	}
}

func TestASubnetPoolMustBeARange(t *testing.T) {
	for _, pool := range []string{"fd00::/8", "10.0.0.0/27"} {
		_, err := Open(t.TempDir(), Options{SubnetPool: prefix(pool)})
		wantCode(t, err, paas.Invalid)
	}
}

func TestAClosedStoreSaysSo(t *testing.T) {
	db := open(t, t.TempDir())
	check(t, db.Close())
	_, err := db.Apps()
	wantCode(t, err, paas.Unavailable)
	_, err = db.CreateApp("hello", "")
	wantCode(t, err, paas.Unavailable)
}
