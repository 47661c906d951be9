package store

import "paas"

func keys() credentials[paas.Key] {
	return credentials[paas.Key]{
		noun: "key", hint: "paas keys", bucket: bucketKeys, handles: bucketKeyPrints,
		ids: func(k paas.Key) (string, string) { return k.Name, k.Fingerprint },
	}
}

// Keys returns all SSH keys by name; never nil.
func (db *DB) Keys() ([]paas.Key, error) { return keys().all(db) }

// AddKey records a key, as of now unless it has a time. Conflict when its name or its fingerprint is there already.
func (db *DB) AddKey(key paas.Key) error {
	if key.CreatedAt.IsZero() {
		key.CreatedAt = db.timestamp()
	}
	return keys().add(db, key)
}

// RemoveKey removes the named key and returns it; NotFound if there is none.
func (db *DB) RemoveKey(name string) (paas.Key, error) { return keys().remove(db, name) }

// KeyByFingerprint returns the key that has the fingerprint; NotFound if there is none.
func (db *DB) KeyByFingerprint(fingerprint string) (paas.Key, error) {
	return keys().find(db, fingerprint)
}
