package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"paas"
)

// keptLogs is how many build logs an app has; older ones go.
const keptLogs = 50

// buildLogs keeps a file a build, and who reads one that is still being written hears of each write.
type buildLogs struct {
	dir string
	max int64

	mu   sync.Mutex
	open map[jobKey]*buildLog
}

func (l *buildLogs) path(key jobKey) string {
	return filepath.Join(l.dir, key.app, strconv.Itoa(key.id)+".log")
}

// create begins the log of a build, and drops the one that is too old to keep.
func (l *buildLogs) create(key jobKey) (*buildLog, error) {
	if err := os.MkdirAll(filepath.Join(l.dir, key.app), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(l.path(key), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	old := l.path(jobKey{key.app, key.id - keptLogs})
	if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, f.Close())
	}
	b := &buildLog{file: f, max: l.max, changed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[key] = b
	return b, nil
}

// finish ends the log; those who follow it read to its end and are done.
func (l *buildLogs) finish(key jobKey) error {
	l.mu.Lock()
	b := l.open[key]
	delete(l.open, key)
	l.mu.Unlock()
	if b == nil {
		return nil
	}
	return b.close()
}

// follow copies the log to w, and goes on until the build ends or ctx does. No log is an empty one.
func (l *buildLogs) follow(ctx context.Context, key jobKey, w io.Writer) error {
	l.mu.Lock()
	b := l.open[key]
	l.mu.Unlock()
	f, err := os.Open(l.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		changed, over := b.state() // before the copy, so that no write falls between
		if _, err := io.Copy(w, f); err != nil {
			return err
		}
		if over {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (l *buildLogs) remove(app string) error {
	if err := checkID(app); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(l.dir, app))
}

// buildLog is the log of a build that is going on. A write to it never fails the build: what the disk does not take is
// counted and the count said where it is missing, and beyond max bytes only ending is kept.
type buildLog struct {
	mu      sync.Mutex
	file    io.WriteCloser
	max     int64
	written int64
	lost    int64 // bytes since the last write that worked
	why     error
	torn    bool // the last line has no end
	cut     bool
	over    bool
	changed chan struct{} // closed, and replaced, at each write and at the end
}

func (b *buildLog) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.cut:
		return len(p), nil
	case b.written+int64(len(p)) > b.max:
		b.cut = true
		b.put(fmt.Appendf(nil, "       … the log is cut here: it is longer than %d bytes\n", b.max))
	default:
		b.put(p)
	}
	return len(p), nil
}

// ending writes past the bound: how the build ended is worth more than what it printed.
func (b *buildLog) ending(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(p)
}

func (b *buildLog) put(p []byte) {
	defer b.wake()
	if b.sayLost() {
		b.append(p)
	} else {
		b.lost += int64(len(p))
	}
}

// append writes, and counts what the disk does not take.
func (b *buildLog) append(p []byte) {
	n, err := b.file.Write(p)
	b.written += int64(n)
	if n > 0 {
		b.torn = p[n-1] != '\n'
	}
	if err != nil {
		b.lost, b.why = b.lost+int64(len(p)-n), err
	}
}

// sayLost writes how much is missing here, if anything is. false: there is still no space for as much as that.
func (b *buildLog) sayLost() bool {
	if b.lost == 0 {
		return true
	}
	notice := fmt.Sprintf("       … %d bytes of the log are missing here: %s\n", b.lost, whyLost(b.why))
	if b.torn {
		notice = "\n" + notice
	}
	n, err := io.WriteString(b.file, notice)
	b.written += int64(n)
	if n > 0 {
		b.torn = n < len(notice)
	}
	if err == nil {
		b.lost = 0
	}
	return err == nil
}

func whyLost(err error) string {
	if paas.OutOfSpace(err) {
		return "no space left"
	}
	return err.Error()
}

func (b *buildLog) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// state returns a channel that is closed at the next change; over means that there will be none. A log that is not
// open is over.
func (b *buildLog) state() (changed <-chan struct{}, over bool) {
	if b == nil {
		return nil, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed, b.over
}

// close ends the log. The error says what it lacks.
func (b *buildLog) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lacks error
	if !b.sayLost() {
		lacks = fmt.Errorf("%d bytes are missing: %w", b.lost, b.why)
	}
	b.over = true
	b.wake()
	return errors.Join(lacks, b.file.Close())
}
