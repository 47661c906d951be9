package store

import (
	"cmp"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"paas"
)

// CreateApp makes an app with an id and a subnet of its own. Conflict when another app has the name, or has defaultHost,
// the host that the name would answer to, as a domain.
func (db *DB) CreateApp(name, defaultHost string) (paas.App, error) {
	return update(db, "create app "+name, func(tx *bbolt.Tx) (paas.App, error) {
		if err := nameFree(tx, "", name, defaultHost); err != nil {
			return paas.App{}, err
		}
		id, err := newApp(tx)
		if err != nil {
			return paas.App{}, err
		}
		subnet, err := takeSubnet(tx, db.pool, id)
		if err != nil {
			return paas.App{}, err
		}
		app := paas.App{ID: id, Name: name, CreatedAt: db.timestamp(), Formation: paas.Formation{}, Subnet: subnet}
		if err := tx.Bucket(bucketAppNames).Put([]byte(name), []byte(id)); err != nil {
			return paas.App{}, err
		}
		return app, putApp(tx, app)
	})
}

// App returns the app with the id; NotFound if there is none.
func (db *DB) App(id string) (paas.App, error) {
	return view(db, "read app "+id, func(tx *bbolt.Tx) (paas.App, error) { return getApp(tx, id) })
}

// AppByName returns the app that has the name now; NotFound if there is none.
func (db *DB) AppByName(name string) (paas.App, error) {
	return view(db, "read app "+name, func(tx *bbolt.Tx) (paas.App, error) {
		id := tx.Bucket(bucketAppNames).Get([]byte(name))
		if id == nil {
			return paas.App{}, noApp(name)
		}
		return getApp(tx, string(id))
	})
}

// Apps returns all apps by name; never nil.
func (db *DB) Apps() ([]paas.App, error) {
	return view(db, "list apps", func(tx *bbolt.Tx) ([]paas.App, error) {
		apps, err := list[paas.App](tx.Bucket(bucketApps))
		for i := range apps {
			apps[i] = usable(apps[i])
		}
		slices.SortFunc(apps, func(a, b paas.App) int { return cmp.Compare(a.Name, b.Name) })
		return apps, err
	})
}

// UpdateApp lets change alter the app and keeps it, in one transaction; an error of change, returned as it is, keeps
// nothing. Id, name, subnet and time of creation cannot be changed so. change must not call the store.
func (db *DB) UpdateApp(id string, change func(*paas.App) error) (paas.App, error) {
	return update(db, "update app "+id, func(tx *bbolt.Tx) (paas.App, error) {
		app, err := getApp(tx, id)
		if err != nil {
			return paas.App{}, err
		}
		return changeApp(tx, app, change)
	})
}

// RenameApp gives the app another name and leaves everything else. Conflict as for CreateApp.
func (db *DB) RenameApp(id, name, defaultHost string) (paas.App, error) {
	return update(db, "rename app "+id, func(tx *bbolt.Tx) (paas.App, error) {
		app, err := getApp(tx, id)
		if err != nil {
			return paas.App{}, err
		}
		if err := nameFree(tx, id, name, defaultHost); err != nil {
			return paas.App{}, err
		}
		names := tx.Bucket(bucketAppNames)
		if err := names.Delete([]byte(app.Name)); err != nil {
			return paas.App{}, err
		}
		if err := names.Put([]byte(name), []byte(id)); err != nil {
			return paas.App{}, err
		}
		app.Name = name
		return app, putApp(tx, app)
	})
}

// DeleteApp removes the app and every record of it; its name and domains are free again, its id never is. It is among
// the GoneApps from then on, and keeps its subnet, until ForgetApp.
func (db *DB) DeleteApp(id string) error {
	return db.write("delete app "+id, func(tx *bbolt.Tx) error {
		app, err := getApp(tx, id)
		if err != nil {
			return err
		}
		if err := deleteRecords(tx, app); err != nil {
			return err
		}
		if err := put(tx.Bucket(bucketGoneApps), []byte(id), app); err != nil {
			return err
		}
		return tx.Bucket(bucketApps).Delete([]byte(id))
	})
}

// GoneApps are the deleted apps that may still have something on the host.
func (db *DB) GoneApps() ([]paas.App, error) {
	return view(db, "list gone apps", func(tx *bbolt.Tx) ([]paas.App, error) { return list[paas.App](tx.Bucket(bucketGoneApps)) })
}

// ForgetApp drops the last of a deleted app, of which nothing is left on the host; its subnet is free again. It is fine
// when the app is forgotten already.
func (db *DB) ForgetApp(id string) error {
	return db.write("forget app "+id, func(tx *bbolt.Tx) error {
		app, ok, err := get[paas.App](tx.Bucket(bucketGoneApps), []byte(id))
		if err != nil || !ok {
			return err
		}
		if err := freeSubnet(tx, app.Subnet); err != nil {
			return err
		}
		return tx.Bucket(bucketGoneApps).Delete([]byte(id))
	})
}

func deleteRecords(tx *bbolt.Tx, app paas.App) error {
	for _, bucket := range perApp() {
		if err := tx.Bucket(bucket).DeleteBucket([]byte(app.ID)); err != nil {
			return fmt.Errorf("delete %s: %w", bucket, err)
		}
	}
	for _, host := range marks(tx.Bucket(bucketAppDomains), app.ID) {
		if err := tx.Bucket(bucketDomains).Delete(host); err != nil {
			return err
		}
	}
	for _, index := range [][]byte{bucketAppDomains, bucketCertificates, bucketBuildSecrets, bucketPendingReleases, bucketUnfinishedBuilds, bucketUnfinishedRuns} {
		if err := clearMarks(tx.Bucket(index), app.ID); err != nil {
			return fmt.Errorf("clear %s: %w", index, err)
		}
	}
	return tx.Bucket(bucketAppNames).Delete([]byte(app.Name))
}

// newApp gives out an id that none has had, and makes its buckets.
func newApp(tx *bbolt.Tx) (string, error) {
	ids := tx.Bucket(bucketAppIDs)
	id := randomID(appIDLength)
	for ids.Get([]byte(id)) != nil {
		id = randomID(appIDLength)
	}
	if err := createPerApp(tx, id); err != nil {
		return "", err
	}
	return id, ids.Put([]byte(id), []byte{})
}

// nameFree says whether the app id (empty: one to be made) may have the name and its host.
func nameFree(tx *bbolt.Tx, id, name, defaultHost string) error {
	if tx.Bucket(bucketAppNames).Get([]byte(name)) != nil {
		return paas.Errorf(paas.Conflict, "there already is an app %s", paas.Quote(name)).WithHint("choose another name, or see: paas apps")
	}
	owner := string(tx.Bucket(bucketDomains).Get([]byte(defaultHost)))
	if owner == "" || owner == id {
		return nil
	}
	other, err := getApp(tx, owner)
	if err != nil {
		return err
	}
	return paas.Errorf(paas.Conflict, "an app %s would answer at %s, which is a domain of app %s", paas.Quote(name), defaultHost, other.Name).
		WithHint("choose another name, or: paas domains:remove %s -a %s", defaultHost, other.Name)
}

func getApp(tx *bbolt.Tx, id string) (paas.App, error) {
	app, ok, err := get[paas.App](tx.Bucket(bucketApps), []byte(id))
	if err == nil && !ok {
		err = noApp(id)
	}
	return usable(app), err
}

// usable makes the formation a map that can be written to.
func usable(app paas.App) paas.App {
	if app.Formation == nil {
		app.Formation = paas.Formation{}
	}
	return app
}

func putApp(tx *bbolt.Tx, app paas.App) error { return put(tx.Bucket(bucketApps), []byte(app.ID), app) }

// changeApp keeps what change makes of app, unless it touches what other records rely on.
func changeApp(tx *bbolt.Tx, app paas.App, change func(*paas.App) error) (paas.App, error) {
	before := app
	if err := change(&app); err != nil {
		return paas.App{}, err
	}
	if app.ID != before.ID || app.Name != before.Name || app.Subnet != before.Subnet || !app.CreatedAt.Equal(before.CreatedAt) {
		return paas.App{}, fmt.Errorf("id, name, subnet and creation of app %s cannot be changed here", before.Name)
	}
	return app, putApp(tx, app)
}
