package store

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// series is an aggregate whose records count from 1 within an app, with an index of those that are not finished.
type series[T any] struct {
	noun       string // for errors: "build"
	bucket     []byte
	unfinished []byte
	missing    func(n int) error
	id         func(T) (app string, n int)
	finished   func(T) bool
	keep       int // how many that are finished an app keeps; 0: all
}

// append gives the app's next number to assign and writes what it makes.
func (s series[T]) append(db *DB, app string, assign func(n int) T) (T, error) {
	return update(db, "append "+s.noun+" of app "+app, func(tx *bbolt.Tx) (T, error) {
		return s.appendTo(tx, app, assign)
	})
}

func (s series[T]) appendTo(tx *bbolt.Tx, app string, assign func(n int) T) (T, error) {
	var zero T
	b, err := of(tx, s.bucket, app)
	if err != nil {
		return zero, err
	}
	n, err := b.NextSequence()
	if err != nil {
		return zero, err
	}
	v := assign(int(n))
	if err := s.put(tx, b, v); err != nil {
		return zero, err
	}
	return v, s.trim(tx, app, b)
}

// update writes a record in the place of the one with its number; NotFound if there is none.
func (s series[T]) update(db *DB, v T) error {
	app, n := s.id(v)
	return db.write(fmt.Sprintf("update %s %d of app %s", s.noun, n, app), func(tx *bbolt.Tx) error {
		return s.replace(tx, v)
	})
}

func (s series[T]) replace(tx *bbolt.Tx, v T) error {
	app, n := s.id(v)
	if _, err := s.get(tx, app, n); err != nil {
		return err
	}
	b, err := of(tx, s.bucket, app)
	if err != nil {
		return err
	}
	if err := s.put(tx, b, v); err != nil {
		return err
	}
	return s.trim(tx, app, b)
}

// trim deletes the finished records of app that are older than the newest s.keep. One that was not finished when it came to be
// that old goes at the next change.
func (s series[T]) trim(tx *bbolt.Tx, app string, b *bbolt.Bucket) error {
	oldest := int(b.Sequence()) - s.keep + 1
	if s.keep == 0 || oldest <= 1 {
		return nil
	}
	var old [][]byte
	c := b.Cursor()
	for k, _ := c.First(); k != nil && bytes.Compare(k, number(oldest)) < 0; k, _ = c.Next() {
		if tx.Bucket(s.unfinished).Get(mark(app, k)) == nil {
			old = append(old, bytes.Clone(k))
		}
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func (s series[T]) put(tx *bbolt.Tx, b *bbolt.Bucket, v T) error {
	app, n := s.id(v)
	if err := put(b, number(n), v); err != nil {
		return err
	}
	return setMark(tx.Bucket(s.unfinished), app, number(n), !s.finished(v))
}

func (s series[T]) get(tx *bbolt.Tx, app string, n int) (T, error) {
	var zero T
	b, err := of(tx, s.bucket, app)
	if err != nil {
		return zero, err
	}
	v, ok, err := get[T](b, number(n))
	if err == nil && !ok {
		err = s.missing(n)
	}
	return v, err
}

func (s series[T]) one(db *DB, app string, n int) (T, error) {
	return view(db, fmt.Sprintf("read %s %d of app %s", s.noun, n, app), func(tx *bbolt.Tx) (T, error) { return s.get(tx, app, n) })
}

// all returns the app's records, newest first.
func (s series[T]) all(db *DB, app string) ([]T, error) {
	return view(db, "list "+s.noun+"s of app "+app, func(tx *bbolt.Tx) ([]T, error) {
		b, err := of(tx, s.bucket, app)
		if err != nil {
			return nil, err
		}
		return newest[T](b)
	})
}

// newest returns at most limit of the app's records, newest first.
func (s series[T]) newest(db *DB, app string, limit int) ([]T, error) {
	return view(db, "list "+s.noun+"s of app "+app, func(tx *bbolt.Tx) ([]T, error) {
		b, err := of(tx, s.bucket, app)
		if err != nil {
			return nil, err
		}
		c := b.Cursor()
		return collect[T](atMost(limit, c.Last, c.Prev))
	})
}

// open returns the records of all apps that are not finished.
func (s series[T]) open(db *DB) ([]T, error) {
	return view(db, "list unfinished "+s.noun+"s", func(tx *bbolt.Tx) ([]T, error) { return marked(tx, s.unfinished, s.get) })
}

// marked reads the records that an index of app id + number names.
func marked[T any](tx *bbolt.Tx, index []byte, read func(tx *bbolt.Tx, app string, n int) (T, error)) ([]T, error) {
	all := []T{}
	err := tx.Bucket(index).ForEach(func(k, _ []byte) error {
		if len(k) != appIDLength+8 {
			return fmt.Errorf("entry %q of %s is not one", k, index)
		}
		v, err := read(tx, string(k[:appIDLength]), int(binary.BigEndian.Uint64(k[appIDLength:])))
		all = append(all, v)
		return err
	})
	return all, err
}

func missing(what, hint string) error {
	return paas.Errorf(paas.NotFound, "there is no %s", what).WithHint("%s", hint)
}
