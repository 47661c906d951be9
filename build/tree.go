package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"paas"
)

// maxFile bounds a file that is read into memory to decide the build, and the listing of a folder, in bytes.
const maxFile = 4 << 20

// tree is a commit's files as a file system. It reads what it is asked for and nothing else, from two git processes that
// answer as long as it is open; listings and sizes are remembered. Symbolic links are not followed, and submodules are empty
// folders. One goroutine may use it at a time.
type tree struct {
	root    objectID
	date    time.Time // of the commit
	about   *answers  // object id → type and size
	content *answers  // object id → type, size and content
	folders map[objectID][]treeEntry
	sizes   map[objectID]int64
}

// openTree opens the tree of a commit; close it. What is no commit is paas.Invalid.
func openTree(ctx context.Context, o objects, commit objectID) (*tree, error) {
	t := &tree{folders: map[objectID][]treeEntry{}, sizes: map[objectID]int64{}}
	var err error
	if t.about, err = ask(ctx, o, "--batch-check"); err != nil {
		return nil, err
	}
	if t.content, err = ask(ctx, o, "--batch"); err != nil {
		return nil, errors.Join(err, t.about.close())
	}
	if err := t.start(commit); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

func (t *tree) start(commit objectID) error {
	kind, size, err := t.about.head(string(commit))
	if err != nil {
		return fmt.Errorf("look at %s: %w", commit.short(), err)
	}
	if kind != "commit" {
		return paas.Errorf(paas.Invalid, "%s is a %s, not a commit", commit.short(), kind).WithHint("git push paas HEAD:main")
	}
	t.date, err = t.committed(commit, size)
	if err != nil {
		return fmt.Errorf("read %s: %w", commit.short(), err)
	}
	if _, _, err = t.about.head(string(commit) + "^{tree}"); err != nil {
		return fmt.Errorf("look at the tree of %s: %w", commit.short(), err)
	}
	t.root = t.about.last
	return nil
}

// committed is the date of a commit, as its head has it; none where there is no such line.
func (t *tree) committed(commit objectID, size int64) (time.Time, error) {
	if size > maxFile {
		return time.Time{}, nil // no head is that long, and no message is needed
	}
	text, err := t.content.body(string(commit))
	if err != nil {
		return time.Time{}, err
	}
	head, _, _ := strings.Cut(string(text), "\n\n")
	for line := range strings.Lines(head) {
		words := strings.Fields(line) // "committer", a name, the seconds, the zone
		if len(words) < 3 || words[0] != "committer" {
			continue
		}
		if seconds, err := strconv.ParseInt(words[len(words)-2], 10, 64); err == nil {
			return time.Unix(seconds, 0), nil
		}
	}
	return time.Time{}, nil
}

func (t *tree) close() error { return errors.Join(t.about.close(), t.content.close()) }

// Open returns a file, a folder, or what a symbolic link itself is; its parents are folders, not links.
func (t *tree) Open(name string) (fs.File, error) {
	e, err := t.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &treeFile{t: t, e: e}, nil
}

// find walks down from the root.
func (t *tree) find(name string) (treeEntry, error) {
	e := treeEntry{t: t, name: ".", mode: modeFolder, id: t.root}
	if !fs.ValidPath(name) {
		return e, fs.ErrInvalid
	}
	if name == "." {
		return e, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		entries, err := t.list(e)
		if err != nil {
			return e, err
		}
		found := false
		for _, child := range entries {
			if child.name == part {
				e, found = child, true
				break
			}
		}
		if !found {
			return e, fs.ErrNotExist
		}
	}
	return e, nil
}

// list is what a folder holds; a submodule nothing.
func (t *tree) list(e treeEntry) ([]treeEntry, error) {
	switch {
	case e.mode == modeSubmodule:
		return nil, nil
	case e.mode != modeFolder:
		return nil, fs.ErrNotExist
	}
	if known, ok := t.folders[e.id]; ok {
		return known, nil
	}
	raw, err := t.read(e)
	if err != nil {
		return nil, err
	}
	entries, err := t.parse(raw)
	t.folders[e.id] = entries
	return entries, err
}

// parse reads a tree object: mode, space, name, NUL, id in bytes.
func (t *tree) parse(raw []byte) ([]treeEntry, error) {
	var entries []treeEntry
	for width := len(t.root) / 2; len(raw) > 0; {
		head, rest, ok := bytes.Cut(raw, []byte{0})
		mode, name, named := strings.Cut(string(head), " ")
		if !ok || !named || len(rest) < width {
			return nil, errors.New("a tree of git's is damaged")
		}
		entries = append(entries, treeEntry{t: t, name: name, mode: mode, id: objectID(fmt.Sprintf("%x", rest[:width]))})
		raw = rest[width:]
	}
	return entries, nil
}

func (t *tree) read(e treeEntry) ([]byte, error) {
	size, err := t.size(e)
	if err != nil {
		return nil, err
	}
	if size > maxFile {
		return nil, fmt.Errorf("it is %d bytes, more than the %d that are read", size, maxFile)
	}
	return t.content.body(string(e.id))
}

func (t *tree) size(e treeEntry) (int64, error) {
	if n, ok := t.sizes[e.id]; ok {
		return n, nil
	}
	_, n, err := t.about.head(string(e.id))
	if err == nil {
		t.sizes[e.id] = n
	}
	return n, err
}

// The modes of git that mean more than a regular file.
const (
	modeFolder    = "40000"
	modeLink      = "120000"
	modeSubmodule = "160000"
)

// treeEntry is a file of a tree, as its folder has it.
type treeEntry struct {
	t    *tree
	name string
	mode string
	id   objectID
}

// Name is the entry's own, without its folder's.
func (e treeEntry) Name() string { return path.Base(e.name) }

// IsDir holds for submodules, too.
func (e treeEntry) IsDir() bool { return e.Type().IsDir() }

// Type says file, folder or link.
func (e treeEntry) Type() fs.FileMode { return e.Mode().Type() }

// Mode is the entry's type, and whether it may be executed.
func (e treeEntry) Mode() fs.FileMode { return modeOf(e.mode) }

// modeOf is what a mode of git's means; it writes that of a folder with a zero before it in some places.
func modeOf(mode string) fs.FileMode {
	switch strings.TrimPrefix(mode, "0") {
	case modeFolder, modeSubmodule:
		return fs.ModeDir | 0o755
	case modeLink:
		return fs.ModeSymlink | 0o777
	case "100755":
		return 0o755
	}
	return 0o644
}

// Info looks the size up.
func (e treeEntry) Info() (fs.FileInfo, error) {
	if e.IsDir() {
		return treeInfo{treeEntry: e}, nil
	}
	size, err := e.t.size(e)
	return treeInfo{e, size}, err
}

type treeInfo struct {
	treeEntry
	size int64
}

// Size is in bytes; 0 for a folder.
func (i treeInfo) Size() int64 { return i.size }

// ModTime is none: git keeps none of files.
func (i treeInfo) ModTime() time.Time { return time.Time{} }

// Sys is nothing.
func (i treeInfo) Sys() any { return nil }

// treeFile is an open file or folder.
type treeFile struct {
	t    *tree
	e    treeEntry
	data *bytes.Reader // the content, once it was read
	seen int           // of a folder's entries
}

func (f *treeFile) Stat() (fs.FileInfo, error) { return f.e.Info() }
func (f *treeFile) Close() error               { return nil }

func (f *treeFile) Read(p []byte) (int, error) {
	if f.data == nil {
		if f.e.IsDir() {
			return 0, &fs.PathError{Op: "read", Path: f.e.name, Err: errors.New("is a directory")}
		}
		raw, err := f.t.read(f.e)
		if err != nil {
			return 0, &fs.PathError{Op: "read", Path: f.e.name, Err: err}
		}
		f.data = bytes.NewReader(raw)
	}
	return f.data.Read(p)
}

// ReadDir lists a folder, n entries at a time, as fs.ReadDirFile says.
func (f *treeFile) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.e.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: f.e.name, Err: errors.New("not a directory")}
	}
	entries, err := f.t.list(f.e)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: f.e.name, Err: err}
	}
	entries = entries[f.seen:]
	if n > 0 {
		if len(entries) == 0 {
			return nil, io.EOF
		}
		entries = entries[:min(n, len(entries))]
	}
	f.seen += len(entries)
	list := make([]fs.DirEntry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	return list, nil
}
