package store

import (
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

func runs() series[paas.Run] {
	return series[paas.Run]{
		noun: "run", bucket: bucketRuns, unfinished: bucketUnfinishedRuns,
		missing:  func(n int) error { return missing(paas.Run{ID: n}.Name(), "paas run:list") },
		id:       func(r paas.Run) (string, int) { return r.App, r.ID },
		finished: paas.Run.Over, keep: paas.KeptRuns,
	}
}

// AppendRun records a one-off of the app r.App with the next number, as of now, pending unless r says otherwise. The error is
// paas.Conflict if atMost runs of the app are under way; 0: any number may be.
func (db *DB) AppendRun(r paas.Run, atMost int) (paas.Run, error) {
	return update(db, "append run of app "+r.App, func(tx *bbolt.Tx) (paas.Run, error) { return db.appendRun(tx, r, atMost) })
}

func (db *DB) appendRun(tx *bbolt.Tx, r paas.Run, atMost int) (paas.Run, error) {
	if n := len(marks(tx.Bucket(bucketUnfinishedRuns), r.App)); atMost > 0 && n >= atMost {
		return paas.Run{}, tooManyRuns(tx, r.App, n)
	}
	return runs().appendTo(tx, r.App, func(n int) paas.Run {
		r.ID, r.CreatedAt = n, db.timestamp()
		if r.Status == "" {
			r.Status = paas.RunPending
		}
		return r
	})
}

func tooManyRuns(tx *bbolt.Tx, id string, n int) error {
	app, err := getApp(tx, id)
	if err != nil {
		return err
	}
	return paas.Errorf(paas.Conflict, "%s has %d runs under way, as many as an app may have at a time", app.Name, n).
		WithHint("wait until one has ended, or end one: paas run:list -a %s; paas run:stop RUN -a %s", app.Name, app.Name)
}

// UpdateRun replaces the record of r.App and r.ID; NotFound if there is none. The schedule whose newest run it is learns how
// it stands; the oldest runs that are over go, but for paas.KeptRuns.
func (db *DB) UpdateRun(r paas.Run) error {
	return db.write(fmt.Sprintf("update run %d of app %s", r.ID, r.App), func(tx *bbolt.Tx) error {
		if err := runs().replace(tx, r); err != nil {
			return err
		}
		return ranFor(tx, r)
	})
}

// Run returns the app's nth one-off; NotFound if there is none.
func (db *DB) Run(id string, n int) (paas.Run, error) { return runs().one(db, id, n) }

// Runs returns the app's newest one-offs, at most limit, newest first; never nil.
func (db *DB) Runs(id string, limit int) ([]paas.Run, error) { return runs().newest(db, id, limit) }

// UnfinishedRuns returns the one-offs of all apps that are pending or running, oldest first within an app; never nil.
func (db *DB) UnfinishedRuns() ([]paas.Run, error) { return runs().open(db) }

// trimRuns is the migration that bounds what an app keeps of runs.
func trimRuns(tx *bbolt.Tx) error {
	return tx.Bucket(bucketApps).ForEach(func(id, _ []byte) error {
		b, err := of(tx, bucketRuns, string(id))
		if err != nil {
			return err
		}
		return runs().trim(tx, string(id), b)
	})
}
