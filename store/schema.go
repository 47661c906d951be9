package store

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// The buckets. Those of numbered records and of pages hold a bucket per app id; the others are flat.
var (
	bucketMeta = []byte("meta")

	bucketApps       = []byte("apps")        // app id → app
	bucketAppNames   = []byte("app_names")   // name → app id
	bucketAppIDs     = []byte("app_ids")     // every app id ever given out → nothing
	bucketGoneApps   = []byte("gone_apps")   // app id → deleted app that may still have something on the host
	bucketSubnets    = []byte("subnets")     // first address → app id, or unusable
	bucketDomains    = []byte("domains")     // host → app id
	bucketAppDomains = []byte("app_domains") // app id + host → nothing

	bucketCertificates = []byte("certificates") // app id + first name → sealed certificate with its key

	bucketBuildSecrets = []byte("build_secrets") // app id + name → sealed value

	bucketRegistries = []byte("registries") // host → sealed login

	bucketConfigs  = []byte("configs")  // app id → version → sealed config
	bucketReleases = []byte("releases") // app id → version → release record
	bucketBuilds   = []byte("builds")   // app id → number → build
	bucketRuns     = []byte("runs")     // app id → number → run
	bucketEvents   = []byte("events")   // app id → number → event
	bucketPages    = []byte("pages")    // app id → name → page

	bucketPendingReleases  = []byte("pending_releases")  // app id + version → nothing
	bucketUnfinishedBuilds = []byte("unfinished_builds") // app id + number → nothing
	bucketUnfinishedRuns   = []byte("unfinished_runs")   // app id + number → nothing

	bucketChanges = []byte("changes") // number → change

	bucketKeys      = []byte("keys")       // name → key
	bucketKeyPrints = []byte("key_prints") // fingerprint → name
	bucketTokens    = []byte("tokens")     // name → token
	bucketTokenSums = []byte("token_sums") // sum → name
)

// The keys of the meta bucket.
var (
	metaApplication  = []byte("application")
	metaSchema       = []byte("schema") // how many migrations were applied, big-endian
	metaInstallation = []byte("installation")
	metaCheck        = []byte("check") // sealed, so that a wrong master key is known at once
)

const (
	application = "paas"
	checkText   = "the master key fits"
)

// migration is one step of the schema. It runs in the transaction that counts it.
type migration func(*bbolt.Tx) error

// schema is every migration, in order. Only ever append: the position is the version.
func schema() []migration {
	return []migration{createBuckets, createBuckets, createBuckets, createBuckets, createBuckets, createBuckets}
}

// buckets lists what the present schema consists of, besides meta.
func buckets() [][]byte {
	flat := [][]byte{
		bucketApps, bucketAppNames, bucketAppIDs, bucketGoneApps, bucketSubnets, bucketDomains, bucketAppDomains, bucketCertificates, bucketBuildSecrets, bucketRegistries,
		bucketPendingReleases, bucketUnfinishedBuilds, bucketUnfinishedRuns, bucketChanges,
		bucketKeys, bucketKeyPrints, bucketTokens, bucketTokenSums,
	}
	return append(flat, perApp()...)
}

// perApp lists the buckets that hold a bucket per app.
func perApp() [][]byte {
	return [][]byte{bucketConfigs, bucketReleases, bucketBuilds, bucketRuns, bucketEvents, bucketPages}
}

// createBuckets is the first migration, and any later one that adds a bucket to the lists.
func createBuckets(tx *bbolt.Tx) error {
	for _, name := range buckets() {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return fmt.Errorf("create bucket %s: %w", name, err)
		}
	}
	return tx.Bucket(bucketApps).ForEach(func(id, _ []byte) error { return createPerApp(tx, string(id)) })
}

// createPerApp makes the buckets of an app's numbered records that it has not got yet.
func createPerApp(tx *bbolt.Tx, id string) error {
	for _, bucket := range perApp() {
		if _, err := tx.Bucket(bucket).CreateBucketIfNotExists([]byte(id)); err != nil {
			return fmt.Errorf("create %s of app %s: %w", bucket, id, err)
		}
	}
	return nil
}

// initialise makes an empty file ours, at schema 0.
func initialise(tx *bbolt.Tx, s *sealer) error {
	meta, err := tx.CreateBucket(bucketMeta)
	if err != nil {
		return err
	}
	for _, e := range []struct{ key, value []byte }{
		{metaApplication, []byte(application)},
		{metaSchema, number(0)},
		{metaInstallation, []byte(randomID(installationLength))},
		{metaCheck, s.seal([]byte(checkText), bucketMeta, metaCheck)},
	} {
		if err := meta.Put(e.key, e.value); err != nil {
			return err
		}
	}
	return nil
}

// identify refuses the file of another application and that of a newer schema.
func identify(db *bbolt.DB, path string, steps []migration) error {
	return db.View(func(tx *bbolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil || string(meta.Get(metaApplication)) != application || len(meta.Get(metaSchema)) != 8 {
			return refuse(path, "is not a store of paasd but of another application")
		}
		if have, known := version(meta), uint64(len(steps)); have > known {
			return refuse(path, "has schema %d, newer than the %d that this paasd knows", have, known).
				WithHint("it was left as it is, and apps run on; run the newer paasd that wrote it, or put paas.db and master.key of a backup from before in its place")
		}
		return nil
	})
}

// checkKey refuses a master key that is not the file's.
func checkKey(db *bbolt.DB, s *sealer, path string) error {
	return db.View(func(tx *bbolt.Tx) error {
		if _, err := s.open(tx.Bucket(bucketMeta).Get(metaCheck), bucketMeta, metaCheck); err != nil {
			return refuse(path, "was sealed with another %s", keyFile).Because(err)
		}
		return nil
	})
}

// migrate applies the steps that the file has not had, each in a transaction of its own with its number, so that an
// interruption leaves a whole schema, the old one or one on the way.
func migrate(db *bbolt.DB, steps []migration) error {
	for {
		done, err := migrateOne(db, steps)
		if err != nil || done {
			return err
		}
	}
}

func migrateOne(db *bbolt.DB, steps []migration) (done bool, err error) {
	var have uint64
	if err := db.View(func(tx *bbolt.Tx) error { have = version(tx.Bucket(bucketMeta)); return nil }); err != nil {
		return false, err
	}
	if have >= uint64(len(steps)) {
		return true, nil
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		if err := steps[have](tx); err != nil {
			return err
		}
		return tx.Bucket(bucketMeta).Put(metaSchema, binary.BigEndian.AppendUint64(nil, have+1))
	})
	if err != nil {
		return false, fmt.Errorf("migrate store from schema %d to %d: %w", have, have+1, err)
	}
	return false, nil
}

// complete makes sure that every bucket is there, so that no access has to ask.
func complete(tx *bbolt.Tx, path string) error {
	for _, name := range buckets() {
		if tx.Bucket(name) == nil {
			return refuse(path, "is damaged: its bucket %s is missing", name)
		}
	}
	return nil
}

func version(meta *bbolt.Bucket) uint64 { return binary.BigEndian.Uint64(meta.Get(metaSchema)) }
