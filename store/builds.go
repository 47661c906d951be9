package store

import (
	"strconv"

	"paas"
)

func builds() series[paas.Build] {
	return series[paas.Build]{
		noun: "build", bucket: bucketBuilds, unfinished: bucketUnfinishedBuilds,
		missing:  func(n int) error { return missing("build "+strconv.Itoa(n), "paas builds") },
		id:       func(b paas.Build) (string, int) { return b.App, b.ID },
		finished: func(b paas.Build) bool { return b.Status.Final() },
	}
}

// AppendBuild records a build of the app b.App with the next number, as of now, pending unless b says otherwise.
func (db *DB) AppendBuild(b paas.Build) (paas.Build, error) {
	return builds().append(db, b.App, func(n int) paas.Build {
		b.ID, b.CreatedAt = n, db.timestamp()
		if b.Status == "" {
			b.Status = paas.BuildPending
		}
		return b
	})
}

// UpdateBuild replaces the record of b.App and b.ID; NotFound if there is none.
func (db *DB) UpdateBuild(b paas.Build) error { return builds().update(db, b) }

// Build returns the app's nth build; NotFound if there is none.
func (db *DB) Build(id string, n int) (paas.Build, error) { return builds().one(db, id, n) }

// Builds returns the app's builds, newest first; never nil.
func (db *DB) Builds(id string) ([]paas.Build, error) { return builds().all(db, id) }

// UnfinishedBuilds returns the builds of all apps whose status is not final, oldest first within an app; never nil.
func (db *DB) UnfinishedBuilds() ([]paas.Build, error) { return builds().open(db) }
