package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"paas"
)

// boltLockWait is for a process that has bbolt's lock but not the directory's, which no paasd does.
const boltLockWait = 100 * time.Millisecond

// createFile makes a new store file. It appears under its name when it is complete, so a file that is there and empty
// is always a damaged one.
func createFile(path string, s *sealer) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	db, err := bbolt.Open(tmp, 0o600, &bbolt.Options{Timeout: boltLockWait, NoStatistics: true})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error { return initialise(tx, s) })
	if err == nil {
		err = migrate(db, schema())
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return moveDurably(tmp, path)
}

// openFile opens an existing file. bbolt trusts what it maps, and a bad page makes it panic or fault, so the file's structure is
// checked before bbolt sees it.
func openFile(path string) (db *bbolt.DB, err error) {
	var file *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, errors.Join(refuse(path, "is damaged").Because(fmt.Errorf("bbolt: %v", p)), file.Close())
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:      boltLockWait,
		NoStatistics: true,
		OpenFile: func(name string, flag int, _ os.FileMode) (*os.File, error) {
			f, err := openChecked(name, flag&^os.O_CREATE)
			file = f
			return f, err
		},
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, inUse(filepath.Dir(path))
	case err != nil && paas.CodeOf(err) == paas.Internal:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, err
}

func openChecked(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = refuse(path, "is not a file")
	}
	if err == nil {
		if damage := checkStructure(f, info.Size()); damage != nil {
			err = refuse(path, "is damaged or not a store of paasd: %w", damage)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
