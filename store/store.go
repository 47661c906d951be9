// Package store keeps what must survive: apps, configs, the ledger of releases, builds, runs, domains, keys and tokens.
//
// It is one bbolt file, DIR/paas.db, with a bucket per aggregate, JSON values and big-endian versions in keys; configs
// are sealed under DIR/master.key. Every exported method is one short transaction and safe for concurrent use. The
// package knows nothing of engines, networks or HTTP, and does not repeat the validation of package paas.
package store

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"paas"
)

// Options adjust a store. The zero value is ready for use.
type Options struct {
	// SubnetPool is the IPv4 range that apps' networks are cut from, /26 or larger. Zero means 10.83.0.0/16. It may change
	// from one start to the next: apps keep what they have.
	SubnetPool netip.Prefix
	// Now is the clock of CreatedAt; nil means time.Now.
	Now func() time.Time
}

// DB is an open store. Only one process can have a directory's store open.
type DB struct {
	dir          string
	lock         *os.File // of the directory, held until Close
	bolt         *bbolt.DB
	sealer       *sealer
	pool         netip.Prefix
	now          func() time.Time
	installation string
}

const (
	dbFile  = "paas.db"
	keyFile = "master.key"
)

// Open opens the store in dir, and makes it, with its master key, where there is none. The errors are paas.Conflict when
// another process has it open, and paas.Unavailable, with the path and the way back, for a file that is damaged, of
// another application or of a newer schema, and for a master key that is missing or not the file's; it leaves such
// files as they are.
func Open(dir string, opts Options) (*DB, error) {
	pool, err := subnetPool(opts.SubnetPool)
	if err != nil {
		return nil, err
	}
	now := opts.Now
	if now == nil {
		now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	db := &DB{dir: dir, lock: lock, pool: pool, now: now}
	if err := db.open(); err != nil {
		return nil, errors.Join(db.wrap("open store", err), lock.Close())
	}
	return db, nil
}

// open needs the directory's lock. The key is written before the file that needs it, so that a crash between the two
// leaves a key without a file, which the next start completes, and never a file without its key.
func (db *DB) open() error {
	path := filepath.Join(db.dir, dbFile)
	_, err := os.Lstat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fresh := err != nil
	key, err := masterKey(filepath.Join(db.dir, keyFile), fresh)
	if err != nil {
		return err
	}
	if db.sealer, err = newSealer(key); err != nil {
		return err
	}
	if fresh {
		if err := createFile(path, db.sealer); err != nil {
			return fmt.Errorf("create %s: %w", path, err)
		}
	}
	if db.bolt, err = openFile(path); err != nil {
		return err
	}
	if err := db.recognise(path); err != nil {
		return errors.Join(err, db.bolt.Close())
	}
	return nil
}

// recognise refuses a file that is not ours to write, before the first write, and brings ours up to date.
func (db *DB) recognise(path string) error {
	if err := identify(db.bolt, path, schema()); err != nil {
		return err
	}
	if err := checkKey(db.bolt, db.sealer, path); err != nil {
		return err
	}
	if err := migrate(db.bolt, schema()); err != nil {
		return err
	}
	return db.bolt.View(func(tx *bbolt.Tx) error {
		db.installation = string(tx.Bucket(bucketMeta).Get(metaInstallation))
		return complete(tx, path)
	})
}

// Close waits for transactions in progress and releases the directory. What comes after it gets paas.Unavailable.
func (db *DB) Close() error {
	return errors.Join(db.bolt.Close(), db.lock.Close())
}

// Installation is the id made at first start, 8 characters of [a-z0-9], the first a letter.
func (db *DB) Installation() string { return db.installation }

// timestamp is now as it comes back from a record.
func (db *DB) timestamp() time.Time { return db.now().UTC().Round(0) }

// update runs fn in a read-write transaction: all of it is kept, durably, or nothing. fn must not call the store.
func update[T any](db *DB, what string, fn func(*bbolt.Tx) (T, error)) (T, error) {
	return run(db, db.bolt.Update, what, fn)
}

// view runs fn on a snapshot. What it returns must not point into the file.
func view[T any](db *DB, what string, fn func(*bbolt.Tx) (T, error)) (T, error) {
	return run(db, db.bolt.View, what, fn)
}

func run[T any](db *DB, begin func(func(*bbolt.Tx) error) error, what string, fn func(*bbolt.Tx) (T, error)) (T, error) {
	var v, zero T
	err := begin(func(tx *bbolt.Tx) (err error) {
		v, err = fn(tx)
		return err
	})
	if err != nil {
		return zero, db.wrap(what, err)
	}
	return v, nil
}

// write is update for what gives no value.
func (db *DB) write(what string, fn func(*bbolt.Tx) error) error {
	return db.wrap(what, db.bolt.Update(fn))
}

// wrap says what was being done when an error is not one for users, and gives those for a full disk, a damaged record and a
// closed store.
func (db *DB) wrap(what string, err error) error {
	if err == nil || paas.CodeOf(err) != paas.Internal {
		return err
	}
	err = fmt.Errorf("%s: %w", what, err)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return closed().Because(err)
	}
	if record, ok := errors.AsType[*unreadable](err); ok {
		return refuse(filepath.Join(db.dir, dbFile), "is damaged: its record %q cannot be read", record.key).Because(err)
	}
	if paas.OutOfSpace(err) {
		return paas.NoSpace(err, "for %s", filepath.Join(db.dir, dbFile))
	}
	return err
}
