package plan

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"paas"
)

// maxFile bounds the files that are read whole: manifests, versions.
const maxFile = 1 << 20

// tree reads the files of the repository. It follows no symbolic links.
type tree struct{ fs.FS }

// stat looks a name up; nil where there is nothing of that name.
func (t tree) stat(name string) (fs.FileInfo, error) {
	info, err := fs.Lstat(t.FS, name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", name, err)
	}
	return info, nil
}

// has says whether there is anything of that name. Reading it says whether it is a file.
func (t tree) has(name string) (bool, error) {
	info, err := t.stat(name)
	return info != nil, err
}

// first returns the first of the names that is there; "" when none is.
func (t tree) first(names ...string) (string, error) {
	for _, name := range names {
		if found, err := t.has(name); found || err != nil {
			return name, err
		}
	}
	return "", nil
}

// folder says whether there is a folder of that name.
func (t tree) folder(name string) (bool, error) {
	info, err := t.stat(name)
	return info != nil && info.IsDir(), err
}

// regular says whether there is something of that name, which then has to be a regular file of at most max bytes.
func (t tree) regular(name string, limit int64) (bool, error) {
	info, err := t.stat(name)
	switch {
	case info == nil || err != nil:
		return false, err
	case !info.Mode().IsRegular():
		return false, paas.Errorf(paas.Invalid, "%s is not a regular file", paas.Quote(name)).
			WithHint("commit the file itself, not a link or a folder of that name")
	case info.Size() > limit:
		return false, tooBig(name, limit)
	}
	return true, nil
}

func tooBig(name string, limit int64) error {
	return paas.Errorf(paas.Invalid, "%s is larger than the %d bytes that it may be", paas.Quote(name), limit).
		WithHint("commit a smaller one, or a Dockerfile that builds this repository")
}

// read returns the content of a file of at most maxFile bytes; nil, and not just empty, where there is none.
func (t tree) read(name string) ([]byte, error) {
	if found, err := t.regular(name, maxFile); !found || err != nil {
		return nil, err
	}
	text, err := t.head(name, maxFile+1)
	if err == nil && len(text) > maxFile {
		err = tooBig(name, maxFile)
	}
	return text, err
}

// head returns the first bytes of a file, at most limit; nil where there is none.
func (t tree) head(name string, limit int64) (text []byte, err error) {
	if found, err := t.regular(name, 1<<62); !found || err != nil {
		return nil, err
	}
	f, err := t.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

// list returns what is in a folder, by name; nothing where there is no such folder.
func (t tree) list(name string) ([]fs.DirEntry, error) {
	if found, err := t.folder(name); !found || err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(t.FS, name)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", name, err)
	}
	return entries, nil
}
