package store

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
)

// emptyFile is a store file at schema 0.
func emptyFile(t *testing.T) *bbolt.DB {
	t.Helper()
	db := must(bbolt.Open(filepath.Join(t.TempDir(), "db"), 0o600, nil))(t)
	t.Cleanup(func() { check(t, db.Close()) })
	s := must(newSealer(make([]byte, masterKeyBytes)))(t)
	check(t, db.Update(func(tx *bbolt.Tx) error { return initialise(tx, s) }))
	return db
}

func schemaOf(t *testing.T, db *bbolt.DB) (v uint64) {
	t.Helper()
	check(t, db.View(func(tx *bbolt.Tx) error { v = version(tx.Bucket(bucketMeta)); return nil }))
	return v
}

// noting makes a migration that notes its name and creates a bucket of that name.
func noting(log *[]string, name string, err error) migration {
	return func(tx *bbolt.Tx) error {
		*log = append(*log, name)
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
		return err
	}
}

func TestMigrationsRunInOrderAndOnce(t *testing.T) {
	db := emptyFile(t)
	var log []string
	steps := []migration{noting(&log, "one", nil), noting(&log, "two", nil)}
	check(t, migrate(db, steps))
	check(t, migrate(db, steps))
	check(t, migrate(db, append(steps, noting(&log, "three", nil))))
	if diff := cmp.Diff([]string{"one", "two", "three"}, log); diff != "" {
		t.Error(diff)
	}
	if v := schemaOf(t, db); v != 3 {
		t.Errorf("schema %d", v)
	}
}

func TestAnInterruptedMigrationLeavesTheVersionBefore(t *testing.T) {
	db := emptyFile(t)
	var log []string
	broken := errors.New("broken")
	err := migrate(db, []migration{noting(&log, "one", nil), noting(&log, "two", broken), noting(&log, "three", nil)})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if v := schemaOf(t, db); v != 1 {
		t.Errorf("schema %d, want 1", v)
	}
	check(t, db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket([]byte("one")) == nil || tx.Bucket([]byte("two")) != nil {
			t.Error("half a migration was kept")
		}
		return nil
	}))
	check(t, migrate(db, []migration{noting(&log, "one", nil), noting(&log, "two", nil)}))
	if diff := cmp.Diff([]string{"one", "two", "two"}, log); diff != "" {
		t.Error(diff)
	}
}

func TestAPanicInAMigrationLeavesTheVersionBefore(t *testing.T) {
	db := emptyFile(t)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		_ = migrate(db, []migration{func(tx *bbolt.Tx) error {
			if _, err := tx.CreateBucket([]byte("half")); err != nil {
				return err
			}
			panic("killed here")
		}})
	}()
	if v := schemaOf(t, db); v != 0 {
		t.Errorf("schema %d, want 0", v)
	}
}
