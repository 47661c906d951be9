package store

import "paas"

func runs() series[paas.Run] {
	return series[paas.Run]{
		noun: "run", bucket: bucketRuns, unfinished: bucketUnfinishedRuns,
		missing:  func(n int) error { return missing(paas.Run{ID: n}.Name(), "paas run:list") },
		id:       func(r paas.Run) (string, int) { return r.App, r.ID },
		finished: func(r paas.Run) bool { return r.Status == paas.RunExited || r.Status == paas.RunFailed },
	}
}

// AppendRun records a one-off of the app r.App with the next number, as of now, pending unless r says otherwise.
func (db *DB) AppendRun(r paas.Run) (paas.Run, error) {
	return runs().append(db, r.App, func(n int) paas.Run {
		r.ID, r.CreatedAt = n, db.timestamp()
		if r.Status == "" {
			r.Status = paas.RunPending
		}
		return r
	})
}

// UpdateRun replaces the record of r.App and r.ID; NotFound if there is none.
func (db *DB) UpdateRun(r paas.Run) error { return runs().update(db, r) }

// Run returns the app's nth one-off; NotFound if there is none.
func (db *DB) Run(id string, n int) (paas.Run, error) { return runs().one(db, id, n) }

// Runs returns the app's one-offs, newest first; never nil.
func (db *DB) Runs(id string) ([]paas.Run, error) { return runs().all(db, id) }

// UnfinishedRuns returns the one-offs of all apps that are pending or running, oldest first within an app; never nil.
func (db *DB) UnfinishedRuns() ([]paas.Run, error) { return runs().open(db) }
