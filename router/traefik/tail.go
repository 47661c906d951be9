package traefik

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Bounds of the access log.
const (
	rotateAt  = 16 << 20 // bytes, when all of them have been read
	maxBehind = 64 << 20 // what is read of a log that grew while nobody read it: the newest
	maxLine   = 256 << 10
)

// tail reads the access log on from where the last one stopped, over restarts and rotations.
type tail struct {
	dir    string
	reopen func(context.Context) error
	skip   func(bytes int64) // is told what was passed over

	file    *os.File
	at      place
	pending []byte // the begin of a line
	rotated bool   // the file is the old one; a look at its end is due before the new one
	saved   place
}

// place is where reading goes on.
type place struct {
	Inode  uint64 `json:"inode"`
	Offset int64  `json:"offset"` // of a line's begin
}

func (t *tail) path() string  { return filepath.Join(t.dir, accessFile) }
func (t *tail) old() string   { return t.path() + ".old" }
func (t *tail) place() string { return t.path() + ".place" }

// next hands the lines that are there to fn. One that fn fails for comes again.
func (t *tail) next(ctx context.Context, fn func(line []byte) error) error {
	if t.file == nil {
		if err := t.open(); err != nil || t.file == nil {
			return err
		}
	}
	if err := errors.Join(t.read(fn), t.save()); err != nil {
		return err
	}
	return t.turn(ctx)
}

// open finds the file that was read last, which may have been turned since, or the present one.
func (t *tail) open() error {
	var at place
	data, err := os.ReadFile(t.place())
	if err == nil && json.Unmarshal(data, &at) != nil {
		at = place{} // the whole log again, as far as it is bounded
	}
	for _, path := range []string{t.old(), t.path()} {
		inode, size, err := stat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && path == t.old() && inode != at.Inode {
			continue
		}
		if err != nil {
			return err
		}
		if inode != at.Inode || at.Offset > size {
			at = place{Inode: inode}
		}
		if size-at.Offset > maxBehind {
			t.skip(size - maxBehind - at.Offset)
			at.Offset = size - maxBehind // the line that begins before is torn, and is no line
		}
		return t.use(path, at)
	}
	return nil // Traefik has not started yet
}

func (t *tail) use(path string, at place) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	if _, err := f.Seek(at.Offset, io.SeekStart); err != nil {
		return errors.Join(err, f.Close())
	}
	t.file, t.at, t.pending, t.rotated = f, at, nil, false
	return nil
}

func stat(path string) (inode uint64, size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("%s has no inode", path)
	}
	return sys.Ino, info.Size(), nil
}

// read hands over the whole lines up to the end of the file.
func (t *tail) read(fn func(line []byte) error) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := t.file.Read(buf)
		t.pending = append(t.pending, buf[:n]...)
		for {
			line, rest, whole := bytes.Cut(t.pending, []byte("\n"))
			if !whole {
				break
			}
			if err := fn(line); err != nil {
				return err
			}
			t.at.Offset += int64(len(line)) + 1
			t.pending = rest
		}
		if len(t.pending) > maxLine {
			t.at.Offset += int64(len(t.pending))
			t.pending = nil
		}
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read Traefik's access log: %w", err)
		}
	}
}

// turn is called at the end of the file: it goes over to the new one, or has a large one replaced.
func (t *tail) turn(ctx context.Context) error {
	inode, _, err := stat(t.path())
	switch {
	case errors.Is(err, fs.ErrNotExist): // renamed, not yet opened anew
		return nil
	case err != nil:
		return err
	case inode != t.at.Inode && !t.rotated:
		t.rotated = true // what was being written as the new one was opened is there at the next look
		return nil
	case inode != t.at.Inode:
		t.close()
		if err := os.Remove(t.old()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := t.use(t.path(), place{Inode: inode}); err != nil {
			return err
		}
		return t.save()
	case t.at.Offset < rotateAt || t.reopen == nil:
		return nil
	}
	if err := os.Rename(t.path(), t.old()); err != nil {
		return fmt.Errorf("turn Traefik's access log: %w", err)
	}
	return t.reopen(ctx)
}

// save notes where reading goes on. It is not forced to disk: after a crash of the host some lines may come again.
func (t *tail) save() error {
	if t.at == t.saved {
		return nil
	}
	data, err := json.Marshal(t.at)
	if err == nil {
		err = os.WriteFile(t.place()+".tmp", data, 0o600)
	}
	if err == nil {
		err = os.Rename(t.place()+".tmp", t.place())
	}
	if err != nil {
		return fmt.Errorf("note how far Traefik's access log was read: %w", err)
	}
	t.saved = t.at
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close() // only read from
		t.file = nil
	}
}
