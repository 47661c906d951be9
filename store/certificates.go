package store

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// maxCertificates bounds those of one app.
const maxCertificates = 100

// AddCertificate keeps c, sealed, in the place of the app's one of that name, if it has one.
func (db *DB) AddCertificate(id string, c paas.OwnCertificate) error {
	return db.write("add a certificate", func(tx *bbolt.Tx) error {
		app, err := getApp(tx, id)
		if err != nil {
			return err
		}
		certs, key := tx.Bucket(bucketCertificates), mark(id, []byte(c.Name()))
		if certs.Get(key) == nil && len(marks(certs, id)) >= maxCertificates {
			return paas.Errorf(paas.Conflict, "app %s has %d certificates, and may not have more", app.Name, maxCertificates).
				WithHint("paas certs:remove NAME -a %s", app.Name)
		}
		plain, err := json.Marshal(c)
		if err != nil {
			return err
		}
		return certs.Put(key, db.sealer.seal(plain, bucketCertificates, key))
	})
}

// RemoveCertificate drops the app's one of that name and returns it; NotFound if there is none.
func (db *DB) RemoveCertificate(id, name string) (paas.OwnCertificate, error) {
	return update(db, "remove a certificate", func(tx *bbolt.Tx) (c paas.OwnCertificate, err error) {
		app, err := getApp(tx, id)
		if err != nil {
			return c, err
		}
		key := mark(id, []byte(name))
		if tx.Bucket(bucketCertificates).Get(key) == nil {
			return c, paas.Errorf(paas.NotFound, "app %s has no certificate of its own named %s", app.Name, paas.Quote(name)).
				WithHint("paas certs -a %s", app.Name)
		}
		if c, err = db.certificate(tx, key); err != nil {
			return c, err
		}
		return c, tx.Bucket(bucketCertificates).Delete(key)
	})
}

// Certificates are the app's own ones by name; never nil.
func (db *DB) Certificates(id string) ([]paas.OwnCertificate, error) {
	return view(db, "list certificates of app "+id, func(tx *bbolt.Tx) ([]paas.OwnCertificate, error) {
		all := []paas.OwnCertificate{}
		for _, name := range marks(tx.Bucket(bucketCertificates), id) {
			c, err := db.certificate(tx, mark(id, name))
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
		return all, nil
	})
}

func (db *DB) certificate(tx *bbolt.Tx, key []byte) (c paas.OwnCertificate, err error) {
	plain, err := db.sealer.open(tx.Bucket(bucketCertificates).Get(key), bucketCertificates, key)
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err == nil && len(c.Names) == 0 {
		err = fmt.Errorf("certificate %q has no name", key)
	}
	return c, err
}
