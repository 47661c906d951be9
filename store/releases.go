package store

import (
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// AppendRelease puts r on the ledger of the app r.App, pending, and returns it as it stands there. The caller gives
// description, author, build, image, commit and process types; version, parent, time, config fields, hashes and status are the
// store's. c is stored as a new config version unless it equals the app's present one.
func (db *DB) AppendRelease(r paas.Release, c paas.Config) (paas.Release, error) {
	return update(db, "append release of app "+r.App, func(tx *bbolt.Tx) (paas.Release, error) {
		app, err := getApp(tx, r.App)
		if err != nil {
			return paas.Release{}, err
		}
		if r.ConfigVersion, err = db.configVersion(tx, app, c); err != nil {
			return paas.Release{}, err
		}
		if r.ConfigSum, err = db.configSum(c); err != nil {
			return paas.Release{}, err
		}
		r.ConfigKeys, r.Parent, r.CreatedAt = c.Keys(), app.Current, db.timestamp()
		r.Outcome = paas.Outcome{Status: paas.ReleasePending}
		return chain(tx, r)
	})
}

// chain numbers r, links it to the entry before it and writes it.
func chain(tx *bbolt.Tx, r paas.Release) (paas.Release, error) {
	ledger, err := of(tx, bucketReleases, r.App)
	if err != nil {
		return paas.Release{}, err
	}
	last := int(ledger.Sequence())
	r.Version, r.PrevHash = last+1, ""
	if last > 0 {
		before, err := getRecord(ledger, last)
		if err != nil {
			return paas.Release{}, err
		}
		r.PrevHash = before.Hash
	}
	l, err := newLedgerRecord(r)
	if err != nil {
		return paas.Release{}, err
	}
	if err := ledger.SetSequence(uint64(r.Version)); err != nil {
		return paas.Release{}, err
	}
	if err := put(ledger, number(r.Version), l); err != nil {
		return paas.Release{}, err
	}
	if err := setMark(tx.Bucket(bucketPendingReleases), r.App, number(r.Version), true); err != nil {
		return paas.Release{}, err
	}
	return l.release()
}

// FinishRelease writes the outcome of a pending release, and, if it succeeded, makes it, its config and its schedules the app's current
// ones, forgets what was restarted or stopped, and lets change (may be nil) alter the app as UpdateApp does: all in one
// transaction. Conflict if the release is not pending, or a newer one already is current.
func (db *DB) FinishRelease(id string, version int, o paas.Outcome, change func(*paas.App)) (paas.App, error) {
	what := fmt.Sprintf("finish release v%d of app %s", version, id)
	return update(db, what, func(tx *bbolt.Tx) (paas.App, error) {
		app, err := getApp(tx, id)
		if err != nil {
			return paas.App{}, err
		}
		r, err := db.writeOutcome(tx, app, version, o)
		if err != nil || o.Status != paas.ReleaseSucceeded {
			return app, err
		}
		app.Current, app.ConfigVersion = version, r.ConfigVersion
		app.Restarted, app.Stopped = nil, nil
		if err := db.declare(tx, r); err != nil {
			return paas.App{}, err
		}
		return changeApp(tx, app, func(a *paas.App) error {
			if change != nil {
				change(a)
			}
			return nil
		})
	})
}

func (db *DB) writeOutcome(tx *bbolt.Tx, app paas.App, version int, o paas.Outcome) (paas.Release, error) {
	if o.Status != paas.ReleaseSucceeded && o.Status != paas.ReleaseFailed {
		return paas.Release{}, fmt.Errorf("%q is not the status of an outcome", o.Status)
	}
	ledger, err := of(tx, bucketReleases, app.ID)
	if err != nil {
		return paas.Release{}, err
	}
	l, err := getRecord(ledger, version)
	if err != nil {
		return paas.Release{}, err
	}
	if l.Outcome.Status != paas.ReleasePending {
		return paas.Release{}, paas.Errorf(paas.Conflict, "release v%d of app %s has %s already", version, app.Name, l.Outcome.Status).
			WithHint("paas releases -a %s", app.Name)
	}
	if o.Status == paas.ReleaseSucceeded && version < app.Current {
		return paas.Release{}, paas.Errorf(paas.Conflict, "release v%d of app %s is behind the current v%d", version, app.Name, app.Current).
			WithHint("paas releases -a %s", app.Name)
	}
	if o.FinishedAt.IsZero() {
		o.FinishedAt = db.timestamp()
	}
	l.Outcome = o
	if err := put(ledger, number(version), l); err != nil {
		return paas.Release{}, err
	}
	if err := setMark(tx.Bucket(bucketPendingReleases), app.ID, number(version), false); err != nil {
		return paas.Release{}, err
	}
	return l.release()
}

// Release returns one entry of the app's ledger; NotFound if there is none.
func (db *DB) Release(id string, version int) (paas.Release, error) {
	return view(db, "read release of app "+id, func(tx *bbolt.Tx) (paas.Release, error) { return getRelease(tx, id, version) })
}

// Releases returns the app's ledger, newest first; never nil.
func (db *DB) Releases(id string) ([]paas.Release, error) {
	return view(db, "list releases of app "+id, func(tx *bbolt.Tx) ([]paas.Release, error) {
		ledger, err := of(tx, bucketReleases, id)
		if err != nil {
			return nil, err
		}
		records, err := newest[ledgerRecord](ledger)
		if err != nil {
			return nil, err
		}
		releases := make([]paas.Release, len(records))
		for i, l := range records {
			if releases[i], err = l.release(); err != nil {
				return nil, err
			}
		}
		return releases, nil
	})
}

// PendingReleases returns the pending releases of all apps, oldest first within an app; never nil.
func (db *DB) PendingReleases() ([]paas.Release, error) {
	return view(db, "list pending releases", func(tx *bbolt.Tx) ([]paas.Release, error) {
		return marked(tx, bucketPendingReleases, getRelease)
	})
}

func getRelease(tx *bbolt.Tx, id string, version int) (paas.Release, error) {
	ledger, err := of(tx, bucketReleases, id)
	if err != nil {
		return paas.Release{}, err
	}
	l, err := getRecord(ledger, version)
	if err != nil {
		return paas.Release{}, err
	}
	return l.release()
}

func getRecord(ledger *bbolt.Bucket, version int) (ledgerRecord, error) {
	l, ok, err := get[ledgerRecord](ledger, number(version))
	if err == nil && !ok {
		err = paas.Errorf(paas.NotFound, "there is no release v%d", version).WithHint("paas releases")
	}
	return l, err
}
