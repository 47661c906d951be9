package runtime

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"io/fs"
	"net/url"
	"path"
	"strings"
)

// syncFile is a file as fileSync lists it.
type syncFile struct {
	path   string
	mode   fs.FileMode
	size   int64
	date   int64
	target string                        // of a link
	open   func() (io.ReadCloser, error) // nil where it has no content
}

// syncText lists one file of that text. Its date, which nobody sees, is made of its content.
func syncText(name, text string) []syncFile {
	var list []syncFile
	for i := range len(name) {
		if name[i] == '/' {
			list = append(list, syncFile{path: name[:i], mode: fs.ModeDir | 0o755})
		}
	}
	sum := sha256.Sum256([]byte(text))
	return append(list, syncFile{
		path: name, mode: 0o644, size: int64(len(text)), date: int64(binary.BigEndian.Uint64(sum[:]) >> 2),
		open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	})
}

// syncList lists the source as far as paths need it; all of it where there are none, or where they are not plain: what is
// listed in vain costs some time, what is missing fails the build. The engine's other patterns are those of .dockerignore, which
// the source has heeded already.
func syncList(src fs.FS, paths []string, quoted bool) ([]syncFile, error) {
	only, all := plainPaths(src, paths, quoted)
	var list []syncFile
	err := fs.WalkDir(src, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case !all && !needed(only, name, d.IsDir()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		f, err := syncEntry(src, name, d)
		list = append(list, f)
		return err
	})
	return list, err
}

func syncEntry(src fs.FS, name string, d fs.DirEntry) (syncFile, error) {
	info, err := d.Info()
	if err != nil {
		return syncFile{}, err
	}
	f := syncFile{path: name, mode: info.Mode(), size: info.Size(), date: nanoseconds(info.ModTime())}
	switch {
	case d.IsDir():
		f.size = 0
	case d.Type() == fs.ModeSymlink:
		f.target, err = fs.ReadLink(src, name)
	default:
		f.open = func() (io.ReadCloser, error) { return src.Open(name) }
	}
	return f, err
}

// plainPaths cleans paths that name files of the source or nothing; all: there is none, or one that may be more, for being a
// pattern or by way of a link.
func plainPaths(src fs.FS, paths []string, quoted bool) (only []string, all bool) {
	for _, p := range paths {
		if quoted {
			p, _ = url.QueryUnescape(p) // what it means otherwise is not there
		}
		p = path.Clean(strings.TrimLeft(p, "/"))
		if p == "." || !fs.ValidPath(p) || strings.ContainsAny(p, `*?[\`) || throughLink(src, p) {
			return nil, true
		}
		only = append(only, p)
	}
	return only, len(only) == 0
}

// throughLink says whether a part of a path is a link.
func throughLink(src fs.FS, name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if info, err := fs.Lstat(src, name); err == nil && info.Mode().Type() == fs.ModeSymlink {
			return true
		}
	}
	return false
}

// needed says whether a file is one of those named, below one, or a folder above one.
func needed(only []string, name string, folder bool) bool {
	for _, o := range only {
		if name == o || strings.HasPrefix(name, o+"/") || folder && strings.HasPrefix(o, name+"/") {
			return true
		}
	}
	return false
}
