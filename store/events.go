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
			if err := appendEvent(b, ev); err != nil {
				return err
			}
		}
		return nil
	})
}

func appendEvent(b *bbolt.Bucket, ev paas.Event) error {
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	ev.ID = int(n)
	if ev.ID > KeptEvents {
		if err := b.Delete(number(ev.ID - KeptEvents)); err != nil {
			return err
		}
	}
	return put(b, number(ev.ID), ev)
}

// Events returns the newest events of an app, at most limit of them, newest first.
func (db *DB) Events(app string, limit int) ([]paas.Event, error) {
	return view(db, "list events of app "+app, func(tx *bbolt.Tx) ([]paas.Event, error) {
		b, err := of(tx, bucketEvents, app)
		if err != nil {
			return nil, err
		}
		c := b.Cursor()
		return collect[paas.Event](atMost(limit, c.Last, c.Prev))
	})
}
