package store

import (
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// credentials is an aggregate of named records that are looked up by a second, secret-free handle: a fingerprint, a sum.
type credentials[T any] struct {
	noun    string // for errors: "key"
	hint    string // lists them
	bucket  []byte
	handles []byte
	ids     func(T) (name, handle string)
}

func (c credentials[T]) all(db *DB) ([]T, error) {
	return view(db, "list "+c.noun+"s", func(tx *bbolt.Tx) ([]T, error) { return list[T](tx.Bucket(c.bucket)) })
}

func (c credentials[T]) add(db *DB, v T) error {
	name, handle := c.ids(v)
	return db.write(fmt.Sprintf("add %s %s", c.noun, name), func(tx *bbolt.Tx) error {
		if tx.Bucket(c.bucket).Get([]byte(name)) != nil {
			return paas.Errorf(paas.Conflict, "there already is a %s %s", c.noun, paas.Quote(name)).WithHint("choose another name, or see: %s", c.hint)
		}
		if owner := tx.Bucket(c.handles).Get([]byte(handle)); owner != nil {
			return paas.Errorf(paas.Conflict, "this %s is known already, as %s", c.noun, paas.Quote(string(owner))).WithHint("%s", c.hint)
		}
		if err := tx.Bucket(c.handles).Put([]byte(handle), []byte(name)); err != nil {
			return err
		}
		return put(tx.Bucket(c.bucket), []byte(name), v)
	})
}

func (c credentials[T]) remove(db *DB, name string) (T, error) {
	return update(db, fmt.Sprintf("remove %s %s", c.noun, name), func(tx *bbolt.Tx) (T, error) {
		v, err := c.get(tx, name)
		if err != nil {
			return v, err
		}
		_, handle := c.ids(v)
		if err := tx.Bucket(c.handles).Delete([]byte(handle)); err != nil {
			return v, err
		}
		return v, tx.Bucket(c.bucket).Delete([]byte(name))
	})
}

func (c credentials[T]) find(db *DB, handle string) (T, error) {
	return view(db, "find "+c.noun, func(tx *bbolt.Tx) (T, error) {
		name := tx.Bucket(c.handles).Get([]byte(handle))
		if name == nil {
			var zero T
			return zero, paas.Errorf(paas.NotFound, "this %s is not known", c.noun).WithHint("%s", c.hint)
		}
		return c.get(tx, string(name))
	})
}

func (c credentials[T]) get(tx *bbolt.Tx, name string) (T, error) {
	v, ok, err := get[T](tx.Bucket(c.bucket), []byte(name))
	if err == nil && !ok {
		err = missing(c.noun+" "+paas.Quote(name), c.hint)
	}
	return v, err
}
