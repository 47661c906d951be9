package store

import (
	"testing"

	"go.etcd.io/bbolt"

	"paas"
)

func TestAnAppKeepsItsNewestEvents(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	other := must(db.CreateApp("other", ""))(t)
	var events []paas.Event
	for range KeptEvents + 5 {
		events = append(events, paas.Event{App: app.ID, Kind: paas.EventInstanceUp}, paas.Event{App: "gone"})
	}
	check(t, db.AppendEvents(append(events, paas.Event{App: other.ID})))
	got := must(db.Events(app.ID, 2*KeptEvents))(t)
	if len(got) != KeptEvents || got[0].ID != KeptEvents+5 || got[KeptEvents-1].ID != 6 {
		t.Errorf("%d events, %d to %d", len(got), got[0].ID, got[len(got)-1].ID)
	}
	if got := must(db.Events(app.ID, 2))(t); len(got) != 2 || got[1].ID != KeptEvents+4 {
		t.Errorf("the newest two: %v", got)
	}
	if got := must(db.Events(other.ID, 10))(t); len(got) != 1 || got[0].ID != 1 {
		t.Errorf("of the other app: %v", got)
	}
	check(t, db.DeleteApp(app.ID))
	_, err := db.Events(app.ID, 1)
	wantCode(t, err, paas.NotFound)
}

func TestAppsOfAnOlderSchemaGetTheNewBuckets(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	app := must(db.CreateApp("hello", ""))(t)
	check(t, db.Close())
	edit(t, dir, func(tx *bbolt.Tx) error {
		for _, bucket := range [][]byte{bucketEvents, bucketGoneApps} {
			if err := tx.DeleteBucket(bucket); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(metaSchema, number(1))
	})
	db = open(t, dir)
	check(t, db.AppendEvents([]paas.Event{{App: app.ID}}))
	if n := len(must(db.Events(app.ID, 10))(t)); n != 1 {
		t.Errorf("%d events", n)
	}
	check(t, db.DeleteApp(app.ID))
}
