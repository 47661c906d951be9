package router

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"paas"
)

// Files are what a routing table names beside itself, such as pages: each under the SHA-256 of its content, so that a
// table and what it names go live together, and a table kept from before still finds its own. They are copies; whoever
// puts them can do so again at any time.
type Files struct {
	dir string
}

// FilesIn are the files of the router whose directory is dir. Nothing need be there yet.
func FilesIn(dir string) Files { return Files{dir: filepath.Join(dir, "files")} }

// Put writes data unless it is there, and returns its name: 64 hexadecimal digits. It is on disk when Put returns.
func (f Files) Put(data []byte) (name string, err error) {
	name = paas.FileName(data)
	if _, err := f.Get(name); err == nil {
		return name, nil
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the router's files: %w", err)
	}
	tmp, err := os.CreateTemp(f.dir, "tmp-")
	if err != nil {
		return "", fmt.Errorf("write a file for the router: %w", err)
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(f.dir, name))
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("write a file for the router: %w", err), os.Remove(tmp.Name()))
	}
	return name, syncDir(f.dir)
}

// Get returns the content of a file. It fails with paas.NotFound where there is none of that name, or its content is
// not what the name says.
func (f Files) Get(name string) ([]byte, error) {
	if sum, err := hex.DecodeString(name); err != nil || len(sum) != sha256.Size {
		return nil, paas.Errorf(paas.NotFound, "no file is named %s", paas.Quote(name))
	}
	data, err := os.ReadFile(filepath.Join(f.dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, paas.Errorf(paas.NotFound, "the router has no file %s", name)
	case err != nil:
		return nil, fmt.Errorf("read a file of the router: %w", err)
	case paas.FileName(data) != name:
		return nil, paas.Errorf(paas.NotFound, "the router's file %s is damaged", name)
	}
	return data, nil
}

// Retain removes every file but those that keep names, and what a kill left half written. Nobody may be putting one.
func (f Files) Retain(keep func(name string) bool) error {
	entries, err := os.ReadDir(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !keep(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(f.dir, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("clear the router's files: %w", err)
	}
	return nil
}
