package store

import (
	"encoding/json"
	"fmt"
	"maps"

	"go.etcd.io/bbolt"

	"paas"
)

// KeepConfig stores c as a new config version that the app's first release will build on. Conflict once a release has
// succeeded: from then on a config changes with a release only.
func (db *DB) KeepConfig(id string, c paas.Config) (paas.App, error) {
	return update(db, "keep config of app "+id, func(tx *bbolt.Tx) (paas.App, error) {
		app, err := getApp(tx, id)
		if err != nil {
			return paas.App{}, err
		}
		if app.Current != 0 {
			return paas.App{}, paas.Errorf(paas.Conflict, "the config of app %s changes with a release, and it has v%d", app.Name, app.Current).
				WithHint("paas config:set KEY=value -a %s", app.Name)
		}
		if app.ConfigVersion, err = db.putConfig(tx, id, c); err != nil {
			return paas.App{}, err
		}
		return app, putApp(tx, app)
	})
}

// Config returns a config set of the app, never nil; version 0 is the empty one. NotFound if there is no such version.
func (db *DB) Config(id string, version int) (paas.Config, error) {
	return view(db, "read config of app "+id, func(tx *bbolt.Tx) (paas.Config, error) { return db.getConfig(tx, id, version) })
}

func (db *DB) getConfig(tx *bbolt.Tx, id string, version int) (paas.Config, error) {
	b, err := of(tx, bucketConfigs, id)
	if err != nil {
		return nil, err
	}
	if version == 0 {
		return paas.Config{}, nil
	}
	sealed := b.Get(number(version))
	if sealed == nil {
		return nil, paas.Errorf(paas.NotFound, "there is no config version %d", version).WithHint("paas config")
	}
	plain, err := db.sealer.open(sealed, bucketConfigs, mark(id, number(version)))
	if err != nil {
		return nil, fmt.Errorf("version %d: %w", version, err)
	}
	return decodeConfig(plain)
}

// putConfig stores c as the next version.
func (db *DB) putConfig(tx *bbolt.Tx, id string, c paas.Config) (version int, err error) {
	b, err := of(tx, bucketConfigs, id)
	if err != nil {
		return 0, err
	}
	n, err := b.NextSequence()
	if err != nil {
		return 0, err
	}
	plain, err := encodeConfig(c)
	if err != nil {
		return 0, err
	}
	key := number(int(n))
	return int(n), b.Put(key, db.sealer.seal(plain, bucketConfigs, mark(id, key)))
}

// configVersion is the version that holds c for the app's next release: the present one where nothing changed.
func (db *DB) configVersion(tx *bbolt.Tx, app paas.App, c paas.Config) (int, error) {
	present, err := db.getConfig(tx, app.ID, app.ConfigVersion)
	if err != nil {
		return 0, err
	}
	if maps.Equal(present, c) {
		return app.ConfigVersion, nil
	}
	return db.putConfig(tx, app.ID, c)
}

func (db *DB) configSum(c paas.Config) (string, error) {
	data, err := encodeConfig(c)
	if err != nil {
		return "", err
	}
	return db.sealer.sum(data), nil
}

// encodeConfig is canonical: keys sorted, values in base64, because JSON text cannot hold every byte that a value may.
func encodeConfig(c paas.Config) ([]byte, error) {
	values := make(map[string][]byte, len(c))
	for k, v := range c {
		values[k] = []byte(v)
	}
	return json.Marshal(values)
}

func decodeConfig(data []byte) (paas.Config, error) {
	var values map[string][]byte
	if err := json.Unmarshal(data, &values); err != nil {
		return nil, fmt.Errorf("decode config: %w", err)
	}
	c := make(paas.Config, len(values))
	for k, v := range values {
		c[k] = string(v)
	}
	return c, nil
}
