package store

import (
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// KeptEvents is how many events an app keeps; the oldest go first.
const KeptEvents = 10_000

// AppendEvents writes events in their order, in one transaction, and numbers them. Those of apps that are gone are
// passed over.
func (db *DB) AppendEvents(events []paas.Event) error {
	return db.write(fmt.Sprintf("append %d events", len(events)), func(tx *bbolt.Tx) error {
		for _, ev := range events {
			b, err := of(tx, bucketEvents, ev.App)
			if paas.CodeOf(err) == paas.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			if err := appendBounded(b, KeptEvents, func(n int) paas.Event { ev.ID = n; return ev }); err != nil {
				return err
			}
		}
		return nil
	})
}

// appendBounded writes what assign makes of the next number, and deletes what is then one too many.
func appendBounded[T any](b *bbolt.Bucket, kept int, assign func(n int) T) error {
	next, err := b.NextSequence()
	if err != nil {
		return err
	}
	n := int(next)
	if n > kept {
		if err := b.Delete(number(n - kept)); err != nil {
			return err
		}
	}
	return put(b, number(n), assign(n))
}

// Events returns the newest events of an app, at most limit of them, newest first.
func (db *DB) Events(app string, limit int) ([]paas.Event, error) {
	return view(db, "list events of app "+app, func(tx *bbolt.Tx) ([]paas.Event, error) {
		b, err := of(tx, bucketEvents, app)
		if err != nil {
			return nil, err
		}
		c := b.Cursor()
		left := limit
		atMost := func(step func() (key, value []byte)) func() (key, value []byte) {
			return func() (key, value []byte) {
				if left--; left < 0 {
					return nil, nil
				}
				return step()
			}
		}
		return collect[paas.Event](atMost(c.Last), atMost(c.Prev))
	})
}
