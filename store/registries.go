package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// maxRegistries bounds the logins of registries.
const maxRegistries = 100

// registryLogin is a record of its bucket, sealed.
type registryLogin struct {
	paas.Registry
	Password string `json:"password"`
}

// PutRegistryLogin keeps a login of a registry, sealed, in the place of another one of that host.
func (db *DB) PutRegistryLogin(l paas.RegistryLogin) (paas.Registry, error) {
	l.CreatedAt = db.timestamp()
	return l.Registry, db.write("keep the login of registry "+l.Host, func(tx *bbolt.Tx) error {
		bucket, key := tx.Bucket(bucketRegistries), []byte(l.Host)
		if bucket.Get(key) == nil && bucket.Stats().KeyN >= maxRegistries {
			return paas.Errorf(paas.Conflict, "there are %d logins of registries, and there may not be more", maxRegistries).
				WithHint("paas registry:logout HOST")
		}
		return db.putSealed(bucket, bucketRegistries, key, registryLogin{l.Registry, l.Password})
	})
}

// RemoveRegistryLogin forgets the login of a registry; NotFound if there is none.
func (db *DB) RemoveRegistryLogin(host string) (paas.Registry, error) {
	return update(db, "forget the login of registry "+host, func(tx *bbolt.Tx) (paas.Registry, error) {
		bucket, key := tx.Bucket(bucketRegistries), []byte(host)
		sealed := bucket.Get(key)
		if sealed == nil {
			return paas.Registry{}, missing("login of registry "+paas.Quote(host), "paas registries")
		}
		l, err := db.registryLogin(key, sealed)
		if err != nil {
			return l.Registry, err
		}
		return l.Registry, bucket.Delete(key)
	})
}

// RegistryLogins are all logins, by host, with their passwords. For the engine only.
func (db *DB) RegistryLogins() ([]paas.RegistryLogin, error) {
	return view(db, "read the logins of registries", func(tx *bbolt.Tx) (all []paas.RegistryLogin, err error) {
		err = tx.Bucket(bucketRegistries).ForEach(func(key, sealed []byte) error {
			l, err := db.registryLogin(key, sealed)
			all = append(all, l)
			return err
		})
		return all, err
	})
}

func (db *DB) registryLogin(key, sealed []byte) (paas.RegistryLogin, error) {
	var record registryLogin
	plain, err := db.sealer.open(sealed, bucketRegistries, key)
	if err == nil {
		err = json.Unmarshal(plain, &record)
	}
	if err != nil {
		return paas.RegistryLogin{}, fmt.Errorf("login of registry %s: %w", key, err)
	}
	return paas.RegistryLogin{Registry: record.Registry, Password: record.Password}, nil
}
