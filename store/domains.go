package store

import (
	"go.etcd.io/bbolt"

	"paas"
)

// AddDomain makes host a domain of the app. label is the app name whose default host this would be, empty if none. Conflict,
// naming the owner, when an app has the host or the label.
func (db *DB) AddDomain(id, host, label string) error {
	return db.write("add domain "+host, func(tx *bbolt.Tx) error {
		if _, err := getApp(tx, id); err != nil {
			return err
		}
		if err := hostFree(tx, host, label); err != nil {
			return err
		}
		if err := tx.Bucket(bucketDomains).Put([]byte(host), []byte(id)); err != nil {
			return err
		}
		return setMark(tx.Bucket(bucketAppDomains), id, []byte(host), true)
	})
}

// RemoveDomain takes host from the app; NotFound if it is not a domain of it.
func (db *DB) RemoveDomain(id, host string) error {
	return db.write("remove domain "+host, func(tx *bbolt.Tx) error {
		app, err := getApp(tx, id)
		if err != nil {
			return err
		}
		if string(tx.Bucket(bucketDomains).Get([]byte(host))) != id {
			return paas.Errorf(paas.NotFound, "app %s has no domain %s", app.Name, paas.Quote(host)).WithHint("paas domains -a %s", app.Name)
		}
		if err := tx.Bucket(bucketDomains).Delete([]byte(host)); err != nil {
			return err
		}
		return setMark(tx.Bucket(bucketAppDomains), id, []byte(host), false)
	})
}

// Domains returns the hosts that were added to the app, sorted; never nil.
func (db *DB) Domains(id string) ([]string, error) {
	return view(db, "list domains of app "+id, func(tx *bbolt.Tx) ([]string, error) {
		if _, err := getApp(tx, id); err != nil {
			return nil, err
		}
		hosts := []string{}
		for _, host := range marks(tx.Bucket(bucketAppDomains), id) {
			hosts = append(hosts, string(host))
		}
		return hosts, nil
	})
}

func hostFree(tx *bbolt.Tx, host, label string) error {
	owner, what := tx.Bucket(bucketDomains).Get([]byte(host)), "a domain"
	if owner == nil && label != "" {
		owner, what = tx.Bucket(bucketAppNames).Get([]byte(label)), "the default host"
	}
	if owner == nil {
		return nil
	}
	app, err := getApp(tx, string(owner))
	if err != nil {
		return err
	}
	return paas.Errorf(paas.Conflict, "%s is %s of app %s already", paas.Quote(host), what, app.Name).WithHint("paas domains -a %s", app.Name)
}
