package store

import (
	"encoding/json"

	"go.etcd.io/bbolt"

	"paas"
)

// maxBuildSecrets bounds those of one app.
const maxBuildSecrets = 64

// buildSecret is a record of its bucket, sealed.
type buildSecret struct {
	paas.BuildSecret
	Value string `json:"value"`
}

// SetBuildSecrets keeps the values by name, sealed; nil removes one, and NotFound if it is not there. All of it happens or
// nothing.
func (db *DB) SetBuildSecrets(id, user string, values map[string]*string) error {
	return db.write("set build secrets", func(tx *bbolt.Tx) error {
		app, err := getApp(tx, id)
		if err != nil {
			return err
		}
		bucket := tx.Bucket(bucketBuildSecrets)
		for name, value := range values {
			key := mark(id, []byte(name))
			if value != nil {
				record := buildSecret{paas.BuildSecret{Name: name, User: user, SetAt: db.timestamp()}, *value}
				err = db.putSealed(bucket, bucketBuildSecrets, key, record)
			} else if bucket.Get(key) == nil {
				err = paas.Errorf(paas.NotFound, "%s has no build secret %s", app.Name, paas.Quote(name)).WithHint("paas build:secrets -a %s", app.Name)
			} else {
				err = bucket.Delete(key)
			}
			if err != nil {
				return err
			}
		}
		if n := len(marks(bucket, id)); n > maxBuildSecrets {
			return paas.Errorf(paas.Conflict, "%s would have %d build secrets, more than %d", app.Name, n, maxBuildSecrets).
				WithHint("paas build:secret:unset NAME -a %s", app.Name)
		}
		return nil
	})
}

func (db *DB) putSealed(bucket *bbolt.Bucket, name, key []byte, record any) error {
	plain, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return bucket.Put(key, db.sealer.seal(plain, name, key))
}

// BuildSecrets are those of the app by name, without their values; never nil.
func (db *DB) BuildSecrets(id string) ([]paas.BuildSecret, error) {
	records, err := db.buildSecrets(id)
	list := make([]paas.BuildSecret, 0, len(records))
	for _, r := range records {
		list = append(list, r.BuildSecret)
	}
	return list, err
}

// BuildSecretValues are their values by name.
func (db *DB) BuildSecretValues(id string) (map[string]string, error) {
	records, err := db.buildSecrets(id)
	values := make(map[string]string, len(records))
	for _, r := range records {
		values[r.Name] = r.Value
	}
	return values, err
}

func (db *DB) buildSecrets(id string) ([]buildSecret, error) {
	return view(db, "read build secrets of app "+id, func(tx *bbolt.Tx) ([]buildSecret, error) {
		bucket := tx.Bucket(bucketBuildSecrets)
		var records []buildSecret
		for _, name := range marks(bucket, id) {
			key := mark(id, name)
			plain, err := db.sealer.open(bucket.Get(key), bucketBuildSecrets, key)
			if err != nil {
				return nil, err
			}
			var r buildSecret
			if err := json.Unmarshal(plain, &r); err != nil {
				return nil, err
			}
			records = append(records, r)
		}
		return records, nil
	})
}
