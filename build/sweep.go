package build

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sweepRepo removes all that killed git processes leave in a repository; none may be at work there.
func sweepRepo(path string) error { return errors.Join(sweepLocks(path), sweepObjects(path)) }

// sweepLocks removes what would stand in the way of the next push. None is going on.
func sweepLocks(path string) error {
	stale, err := globAll(path, "*.lock", "gc.pid", "shallow_*", "objects/incoming-*", "objects/tmp_objdir-*", "objects/info/*.lock",
		"objects/info/commit-graphs/*.lock", "objects/pack/*.lock")
	if err != nil {
		return err
	}
	for _, dir := range []string{"refs", "logs"} {
		err := filepath.WalkDir(filepath.Join(path, dir), func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(p, ".lock") { // git allows no ref to end so
				stale = append(stale, p)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return removeAll(stale)
}

// sweepObjects removes half-written objects and packs, which only take space. Nobody writes to the repository.
func sweepObjects(path string) error {
	stale, err := globAll(path, "packed-refs.new", "info/refs_*", "objects/info/packs_*", "objects/tmp_*", "objects/??/tmp_obj_*", "objects/pack/tmp_*",
		"objects/pack/.tmp-*")
	if err != nil {
		return err
	}
	return removeAll(stale)
}

// globAll finds what matches patterns below path, which itself is taken as it is.
func globAll(path string, patterns ...string) ([]string, error) {
	var all []string
	root := os.DirFS(path)
	for _, pattern := range patterns {
		found, err := fs.Glob(root, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			all = append(all, filepath.Join(path, filepath.FromSlash(name)))
		}
	}
	return all, nil
}

func removeAll(paths []string) error {
	var failed error
	for _, p := range paths {
		failed = errors.Join(failed, os.RemoveAll(p))
	}
	return failed
}
