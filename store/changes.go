package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// KeptChanges is how many changes the installation keeps; the oldest go first.
const KeptChanges = 20_000

// AppendChanges writes changes in their order, in one transaction, and numbers them.
func (db *DB) AppendChanges(changes []paas.Change) error {
	return db.write(fmt.Sprintf("append %d changes", len(changes)), func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketChanges)
		for _, c := range changes {
			if err := appendBounded(b, KeptChanges, func(n int) paas.Change { c.ID = n; return c }); err != nil {
				return err
			}
		}
		return nil
	})
}

// Changes returns the newest changes of an app, or, where its id is empty, of everything; at most limit, newest first.
func (db *DB) Changes(app string, limit int) ([]paas.Change, error) {
	return view(db, "list changes", func(tx *bbolt.Tx) ([]paas.Change, error) {
		found := []paas.Change{}
		cursor := tx.Bucket(bucketChanges).Cursor()
		for k, data := cursor.Last(); k != nil && len(found) < limit; k, data = cursor.Prev() {
			var c paas.Change
			if err := json.Unmarshal(data, &c); err != nil {
				return nil, &unreadable{string(k), err}
			}
			if app == "" || c.App == app {
				found = append(found, c)
			}
		}
		return found, nil
	})
}
