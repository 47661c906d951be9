package router

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	tableFile = "table.json"
	prevFile  = "table.json.prev"
)

// Load reads the table that a controller keeps in dir. Fields that it does not know are passed over, so that an older
// router can start from what a newer paasd wrote. Where table.json does not decode, the one before it stands in
// and bad says what was wrong; without either the table is empty. It fails only where both are unreadable for another
// reason than not being there.
func Load(dir string) (t Table, bad error, err error) {
	t, bad = load(filepath.Join(dir, tableFile))
	if bad == nil {
		return t, nil, nil
	}
	prev, prevErr := load(filepath.Join(dir, prevFile))
	switch {
	case prevErr == nil && errors.Is(bad, fs.ErrNotExist):
		return prev, nil, nil // killed, or moved away, between the two
	case prevErr == nil:
		return prev, bad, nil
	case errors.Is(bad, fs.ErrNotExist) && errors.Is(prevErr, fs.ErrNotExist):
		return Table{}, nil, nil
	case errors.Is(bad, fs.ErrPermission):
		return Table{}, nil, bad
	}
	return Table{}, bad, nil
}

func load(path string) (t Table, err error) {
	f, err := os.Open(path)
	if err != nil {
		return Table{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	t, err = decodeTable(f, false)
	if err != nil {
		return Table{}, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// save makes t the table on disk, atomically; with keep, what was there stays as the previous one.
func save(dir string, t Table, keep bool) error {
	data, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode the routing table: %w", err)
	}
	path := filepath.Join(dir, tableFile)
	if keep {
		if err := keepPrevious(path, filepath.Join(dir, prevFile)); err != nil {
			return fmt.Errorf("keep the previous routing table: %w", err)
		}
	}
	if err := writeFile(path, append(data, '\n')); err != nil {
		return fmt.Errorf("write the routing table: %w", err)
	}
	return nil
}

func keepPrevious(path, prev string) error {
	tmp := prev + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Link(path, tmp); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return os.Rename(tmp, prev)
}

// writeFile has one name for its temporary file, as it has one caller at a time: a kill leaves one behind, not one each.
func writeFile(path string, data []byte) (err error) {
	tmp, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	if _, err = tmp.Write(data); err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename survive a crash of the host.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
