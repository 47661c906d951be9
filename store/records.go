package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"
)

const (
	appIDLength        = 12
	installationLength = 8
)

// number is the key of a version or a count: big-endian, so that the order of keys is that of numbers.
func number(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// randomID gives n characters of [a-z2-7], the first a letter, so that it can start a name anywhere.
func randomID(n int) string {
	for {
		if id := strings.ToLower(rand.Text()[:n]); id[0] >= 'a' {
			return id
		}
	}
}

// get reads a record; ok is false where there is none, and where b is nil.
func get[T any](b *bbolt.Bucket, key []byte) (v T, ok bool, err error) {
	if b == nil {
		return v, false, nil
	}
	data := b.Get(key)
	if data == nil {
		return v, false, nil
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, false, &unreadable{string(key), err}
	}
	return v, true, nil
}

func put(b *bbolt.Bucket, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write record %q: %w", key, err)
	}
	return b.Put(key, data)
}

// list reads every record in the order of keys. It is never nil.
func list[T any](b *bbolt.Bucket) ([]T, error) {
	c := b.Cursor()
	return collect[T](c.First, c.Next)
}

// newest reads every record, highest number first. It is never nil.
func newest[T any](b *bbolt.Bucket) ([]T, error) {
	c := b.Cursor()
	return collect[T](c.Last, c.Prev)
}

func collect[T any](first, next func() (key, value []byte)) ([]T, error) {
	all := []T{}
	for k, data := first(); k != nil; k, data = next() {
		var v T
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, &unreadable{string(k), err}
		}
		all = append(all, v)
	}
	return all, nil
}

// atMost makes the steps of a cursor end after limit records.
func atMost(limit int, first, next func() (key, value []byte)) (f, n func() (key, value []byte)) {
	bounded := func(step func() (key, value []byte)) func() (key, value []byte) {
		return func() (key, value []byte) {
			if limit--; limit < 0 {
				return nil, nil
			}
			return step()
		}
	}
	return bounded(first), bounded(next)
}

// of is the bucket of an app's numbered records; NotFound where there is no such app.
func of(tx *bbolt.Tx, bucket []byte, app string) (*bbolt.Bucket, error) {
	if b := tx.Bucket(bucket).Bucket([]byte(app)); app != "" && b != nil {
		return b, nil
	}
	return nil, noApp(app)
}

// marks are the keys of an index that begin with the app's id, without it.
func marks(index *bbolt.Bucket, app string) [][]byte {
	var rest [][]byte
	prefix := []byte(app)
	c := index.Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		rest = append(rest, bytes.Clone(k[len(prefix):]))
	}
	return rest
}

// mark is the key of an app's entry in an index.
func mark(app string, rest []byte) []byte { return append([]byte(app), rest...) }

// setMark puts or deletes an entry of an index.
func setMark(index *bbolt.Bucket, app string, rest []byte, on bool) error {
	if on {
		return index.Put(mark(app, rest), []byte{})
	}
	return index.Delete(mark(app, rest))
}

// clearMarks deletes every entry of the app.
func clearMarks(index *bbolt.Bucket, app string) error {
	for _, rest := range marks(index, app) {
		if err := setMark(index, app, rest, false); err != nil {
			return err
		}
	}
	return nil
}
