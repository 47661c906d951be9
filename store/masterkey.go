package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const masterKeyBytes = 32

// masterKey reads the key at path. Where there is none it makes one if create is set; otherwise it refuses, because a new
// key beside an old file would only hide that the configs in it are lost.
func masterKey(path string, create bool) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, refuse(path, "is missing: the configs in %s cannot be read without it", dbFile)
		}
		return newMasterKey(path)
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, refuse(path, "can be read by others than its owner").WithHint("chmod 600 %s", path)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(key) != masterKeyBytes {
		return nil, refuse(path, "holds %d bytes, not a key of %d", len(key), masterKeyBytes)
	}
	return key, nil
}

func newMasterKey(path string) ([]byte, error) {
	key := make([]byte, masterKeyBytes)
	rand.Read(key) // it never fails, by contract
	if err := writeDurably(path, key); err != nil {
		return nil, fmt.Errorf("make master key: %w", err)
	}
	return key, nil
}

// writeDurably makes a file of mode 0600 that is there with all of data, or not at all, whenever the host loses power.
func writeDurably(path string, data []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return moveDurably(tmp, path)
}

// moveDurably renames from to to, in the same directory. What from holds must be on disk.
func moveDurably(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
