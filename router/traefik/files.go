package traefik

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// folder is that of Traefik's file provider.
type folder string

// write makes files the content of the folder: what differs is replaced, the version's file last, and what has no place
// any more is removed before. Each is on disk under its name whole or not at all.
func (f folder) write(files map[string][]byte) error {
	if err := os.MkdirAll(f.path(appsDir), 0o700); err != nil {
		return fmt.Errorf("make the folder of Traefik's configuration: %w", err)
	}
	names := slices.Sorted(maps.Keys(files))
	slices.Reverse(names) // versionFile sorts first
	for _, name := range names {
		if name == versionFile {
			if err := errors.Join(f.removeStale(files), syncDir(f.path(appsDir))); err != nil {
				return err
			}
		}
		if err := f.put(name, files[name]); err != nil {
			return fmt.Errorf("write Traefik's configuration %s: %w", name, err)
		}
	}
	return syncDir(string(f))
}

func (f folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

// put replaces a file, unless it is so already.
func (f folder) put(name string, data []byte) error {
	if old, err := os.ReadFile(f.path(name)); err == nil && bytes.Equal(old, data) {
		return nil
	}
	return f.replace(name, data)
}

// replace writes beside the folder that is watched, so that the rename is the one event.
func (f folder) replace(name string, data []byte) error {
	tmp, err := os.CreateTemp(f.path(appsDir), "tmp-")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), f.path(name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// removeStale removes what is no file of this table: of apps that are gone, and what a kill left half written.
func (f folder) removeStale(files map[string][]byte) error {
	entries, err := os.ReadDir(f.path(appsDir))
	if err != nil {
		return fmt.Errorf("look for what Traefik's configuration has too many: %w", err)
	}
	for _, e := range entries {
		if _, ok := files[appsDir+"/"+e.Name()]; ok {
			continue
		}
		if err := os.Remove(f.path(appsDir + "/" + e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what Traefik's configuration has too many: %w", err)
		}
	}
	return nil
}

// touch writes the version's file again, for a Traefik that has missed it.
func (f folder) touch(files map[string][]byte) error {
	if err := f.replace(versionFile, files[versionFile]); err != nil {
		return fmt.Errorf("write Traefik's configuration again: %w", err)
	}
	return nil
}
