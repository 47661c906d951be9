package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// ledgerRecord is a release on disk. Entry holds the fields that never change, as they were hashed: a release that a
// later version of paas reads or extends still verifies by its bytes.
type ledgerRecord struct {
	Entry   json.RawMessage `json:"entry"`
	Hash    string          `json:"hash"`
	Outcome paas.Outcome    `json:"outcome"`
}

// newLedgerRecord makes the record of r and its hash.
func newLedgerRecord(r paas.Release) (ledgerRecord, error) {
	outcome := r.Outcome
	r.Outcome, r.Hash = paas.Outcome{}, ""
	data, err := json.Marshal(r)
	if err != nil {
		return ledgerRecord{}, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return ledgerRecord{}, err
	}
	delete(fields, "hash")
	delete(fields, "status")
	entry, err := json.Marshal(fields) // with its keys sorted
	if err != nil {
		return ledgerRecord{}, err
	}
	return ledgerRecord{Entry: entry, Hash: hashEntry(entry), Outcome: outcome}, nil
}

func hashEntry(entry []byte) string {
	sum := sha256.Sum256(entry)
	return hex.EncodeToString(sum[:])
}

func (l ledgerRecord) release() (paas.Release, error) {
	var r paas.Release
	if err := json.Unmarshal(l.Entry, &r); err != nil {
		return paas.Release{}, fmt.Errorf("read ledger entry: %w", err)
	}
	r.Hash, r.Outcome = l.Hash, l.Outcome
	return r, nil
}

// VerifyReleases walks the app's ledger from v1: versions without a gap, each hash over its entry, each entry naming the
// hash before it and a config that is the one released. The error, paas.Failed, names the first version that does not verify.
func (db *DB) VerifyReleases(id string) error {
	_, err := view(db, "verify releases of app "+id, func(tx *bbolt.Tx) (struct{}, error) {
		return struct{}{}, db.verify(tx, id)
	})
	return err
}

func (db *DB) verify(tx *bbolt.Tx, id string) error {
	ledger, err := of(tx, bucketReleases, id)
	if err != nil {
		return err
	}
	version, prev := 0, ""
	c := ledger.Cursor()
	for k, data := c.First(); k != nil; k, data = c.Next() {
		version++
		if !bytes.Equal(k, number(version)) {
			return unverified(version, "it is missing")
		}
		if prev, err = db.verifyOne(tx, id, version, prev, data); err != nil {
			return err
		}
	}
	if last := ledger.Sequence(); uint64(version) != last {
		return unverified(version+1, "it is missing")
	}
	return nil
}

// verifyOne returns the entry's hash, which the next entry must name.
func (db *DB) verifyOne(tx *bbolt.Tx, id string, version int, prev string, data []byte) (string, error) {
	var l ledgerRecord
	if err := json.Unmarshal(data, &l); err != nil {
		return "", unverified(version, "it cannot be read").Because(err)
	}
	r, err := l.release()
	if err != nil {
		return "", unverified(version, "it cannot be read").Because(err)
	}
	switch {
	case hashEntry(l.Entry) != l.Hash:
		return "", unverified(version, "its hash is not that of its fields")
	case r.PrevHash != prev:
		return "", unverified(version, "it does not follow the release before it")
	case r.App != id || r.Version != version:
		return "", unverified(version, "it is the entry of another release")
	}
	config, err := db.getConfig(tx, id, r.ConfigVersion)
	if err != nil {
		return "", unverified(version, "its config cannot be read").Because(err)
	}
	if sum, err := db.configSum(config); err != nil || sum != r.ConfigSum {
		return "", unverified(version, "its config is not the one that was released").Because(err)
	}
	return l.Hash, nil
}

func unverified(version int, why string) *paas.Error {
	return paas.Errorf(paas.Failed, "release v%d does not verify: %s", version, why).
		WithHint("put back paas.db and master.key of a backup that verifies")
}
