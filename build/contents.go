package build

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// contents are the files that the builder gets of a source, as a file system: those of the commit and of its fetched submodules, but
// for ignored ones, and a generated Dockerfile. It may be used from several goroutines once it is made.
type contents struct {
	folders map[string][]*content // what is in each, sorted by name
	all     map[string]*content
	limits  Limits
	bytes   int64
	stores  []*store
	lfs     []string // paths of Git LFS pointers
	end     context.CancelFunc
}

// contents lists what the builder gets, and gives each file its date; close it.
func (s *source) contents(ctx context.Context, o objects, log func(error)) (c *contents, err error) {
	ctx, cancel := context.WithCancel(ctx)
	c = &contents{folders: map[string][]*content{}, all: map[string]*content{}, limits: o.repos.opts.Limits, end: cancel}
	c.all["."] = &content{path: ".", mode: fs.ModeDir | 0o755}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	keep, err := newIgnore(s.ignore)
	if err != nil {
		return c, err
	}
	if err := c.list(ctx, o, s.commit, "", keep); err != nil {
		return c, err
	}
	for _, f := range s.fetched {
		if err := c.list(ctx, f.objects, f.commit, f.path+"/", keep); err != nil {
			return c, fmt.Errorf("read submodule %s: %w", f.path, err)
		}
	}
	if err := c.addGenerated(s.plan.Text, keep); err != nil {
		return c, err
	}
	for _, folder := range c.folders {
		slices.SortFunc(folder, func(a, b *content) int { return strings.Compare(a.path, b.path) })
	}
	if err := c.date(o.path, s.committed); err != nil {
		log(err)
	}
	return c, c.findPointers()
}

// close ends it; nothing of it may be read any more.
func (c *contents) close() {
	c.end()
	for _, s := range c.stores {
		s.close()
	}
}

// list adds a commit's files, with a prefix before their paths.
func (c *contents) list(ctx context.Context, o objects, commit objectID, prefix string, drop ignore) error {
	from := newStore(ctx, o)
	c.stores = append(c.stores, from)
	return o.listTree(ctx, commit, []string{"-l"}, func(list io.Reader) error {
		for in := bufio.NewReaderSize(list, 64<<10); ; {
			line, err := readEntry(in)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("list the tree: %w", err)
			}
			f, err := parseContent(line, prefix)
			if err != nil {
				return err
			}
			f.from = from
			if err := c.add(f, drop); err != nil {
				return err
			}
		}
	})
}

// parseContent reads what ls-tree -l lists of a file: mode, type, id, size, a tab, the path.
func parseContent(line, prefix string) (*content, error) {
	about, name, ok := strings.Cut(line, "\t")
	words := strings.Fields(about)
	if !ok || len(words) != 4 {
		return nil, fmt.Errorf("git ls-tree: %q", line)
	}
	f := &content{path: prefix + name, mode: modeOf(words[0]), id: objectID(words[2])}
	if f.mode.IsDir() {
		return f, nil
	}
	var err error
	f.size, err = strconv.ParseInt(words[3], 10, 64)
	return f, err
}

// add takes a file unless it is ignored. The folders above it are there then, even if they are ignored themselves.
func (c *contents) add(f *content, drop ignore) error {
	dropped, err := drop.drops(f.path)
	if err != nil {
		return fmt.Errorf("match %q against %s: %w", f.path, dockerignore, err)
	}
	if dropped || c.all[f.path] != nil { // the folder of a submodule
		return nil
	}
	if c.bytes += f.size; c.bytes > int64(c.limits.SourceBytes) {
		return c.limits.tooMuchSource()
	}
	c.put(f)
	return nil
}

func (c *contents) put(f *content) {
	above := path.Dir(f.path)
	if c.all[above] == nil {
		c.put(&content{path: above, mode: fs.ModeDir | 0o755})
	}
	c.all[f.path] = f
	c.folders[above] = append(c.folders[above], f)
}

// addGenerated puts the generated Dockerfile, if there is one, at the root of the tree, which has none.
func (c *contents) addGenerated(text string, drop ignore) error {
	if text == "" {
		return nil
	}
	return c.add(&content{path: dockerfile, mode: 0o644, id: idOf(text), size: int64(len(text)), text: text}, drop)
}

// What a Git LFS pointer begins with, and how many bytes it has.
const (
	lfsMagic = "version https://git-lfs.github.com/spec/v1\n"
	minLFS   = 120
	maxLFS   = 200
)

// findPointers looks for files that are but Git LFS pointers.
func (c *contents) findPointers() error {
	for name, f := range c.all {
		if !f.mode.IsRegular() || f.size < minLFS || f.size > maxLFS || f.from == nil {
			continue
		}
		text, err := fs.ReadFile(c, name)
		if err != nil {
			return err
		}
		if strings.HasPrefix(string(text), lfsMagic) {
			c.lfs = append(c.lfs, name)
		}
	}
	slices.Sort(c.lfs)
	return nil
}

// find is the file of that path.
func (c *contents) find(op, name string) (*content, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if f := c.all[name]; f != nil {
		return f, nil
	}
	return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}

// Open opens a file or a folder; a link is not followed, and cannot be read.
func (c *contents) Open(name string) (fs.File, error) {
	f, err := c.find("open", name)
	if err != nil {
		return nil, err
	}
	return &openContent{content: f, folder: c.folders[name]}, nil
}

// Stat describes a file; a link is not followed.
func (c *contents) Stat(name string) (fs.FileInfo, error) { return c.find("stat", name) }

// Lstat is Stat.
func (c *contents) Lstat(name string) (fs.FileInfo, error) { return c.find("lstat", name) }

// ReadDir lists a folder.
func (c *contents) ReadDir(name string) ([]fs.DirEntry, error) {
	if _, err := c.find("readdir", name); err != nil {
		return nil, err
	}
	list := make([]fs.DirEntry, 0, len(c.folders[name]))
	for _, f := range c.folders[name] {
		list = append(list, f)
	}
	return list, nil
}

// ReadLink is what a link points to.
func (c *contents) ReadLink(name string) (string, error) {
	f, err := c.find("readlink", name)
	if err != nil {
		return "", err
	}
	if f.mode.Type() != fs.ModeSymlink || f.size > maxPath {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	target, err := f.from.read(f.id)
	return string(target), err
}

// content is a file of contents; it describes itself.
type content struct {
	path string
	mode fs.FileMode
	id   objectID
	size int64
	when time.Time
	from *store // nil: it is text
	text string
}

func (f *content) Name() string               { return path.Base(f.path) }
func (f *content) IsDir() bool                { return f.mode.IsDir() }
func (f *content) Type() fs.FileMode          { return f.mode.Type() }
func (f *content) Info() (fs.FileInfo, error) { return f, nil }
func (f *content) Size() int64                { return f.size }
func (f *content) Mode() fs.FileMode          { return f.mode }
func (f *content) ModTime() time.Time         { return f.when }
func (f *content) Sys() any                   { return nil }

// openContent is an open file or folder. Its content is fetched when it is first read.
type openContent struct {
	*content
	folder []*content
	data   io.ReadCloser
}

func (o *openContent) Stat() (fs.FileInfo, error) { return o.content, nil }

func (o *openContent) Read(p []byte) (int, error) {
	if !o.mode.IsRegular() {
		return 0, &fs.PathError{Op: "read", Path: o.path, Err: errors.New("is not a regular file")}
	}
	if o.data == nil {
		if o.from == nil {
			o.data = io.NopCloser(strings.NewReader(o.text))
		} else {
			var err error
			if o.data, err = o.from.open(o.id); err != nil {
				return 0, &fs.PathError{Op: "read", Path: o.path, Err: err}
			}
		}
	}
	return o.data.Read(p)
}

func (o *openContent) Close() error {
	if o.data == nil {
		return nil
	}
	return o.data.Close()
}

// ReadDir lists a folder, n entries at a time, as fs.ReadDirFile says.
func (o *openContent) ReadDir(n int) ([]fs.DirEntry, error) {
	if !o.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: o.path, Err: errors.New("not a directory")}
	}
	if n <= 0 {
		n = len(o.folder)
	} else if len(o.folder) == 0 {
		return nil, io.EOF
	}
	var list []fs.DirEntry
	for _, f := range o.folder[:min(n, len(o.folder))] {
		list = append(list, f)
	}
	o.folder = o.folder[len(list):]
	return list, nil
}
