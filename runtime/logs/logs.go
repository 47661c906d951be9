// Package logs keeps the log streams of apps on disk: one stream an app, in order of arrival, within a bound. It knows
// nothing of where lines come from.
//
// A stream is a folder of segments, files of text records, of which the oldest is deleted when the bound is reached.
// Readers read the files and are woken when something was written, so a slow one costs nothing and never holds up a
// writer; one that is overtaken by the deletion of segments is told how many lines it missed.
package logs

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"paas"
)

const (
	// defaultBytes bounds a stream.
	defaultBytes = 10 << 20
	// batchFor is how long lines are gathered before they are written.
	batchFor = 20 * time.Millisecond
)

// Options of Open.
type Options struct {
	BytesPerApp int64            // what a stream may take on disk; 0: 10 MB
	Now         func() time.Time // the clock of the store's own lines; nil: time.Now
}

// Store keeps the streams in one folder. Its methods may be called from any goroutine. One process only may have a
// folder open.
type Store struct {
	root *os.Root
	opts Options

	mu      sync.Mutex
	streams map[string]*stream
	dirty   []*stream // have lines to write

	wake    chan struct{}
	closing chan struct{}
	closed  sync.Once
	flusher sync.WaitGroup
}

// Open opens the folder, which is made if missing.
func Open(dir string, opts Options) (*Store, error) {
	if opts.BytesPerApp <= 0 {
		opts.BytesPerApp = defaultBytes
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the log folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the log folder: %w", err)
	}
	s := &Store{root: root, opts: opts, streams: map[string]*stream{}, wake: make(chan struct{}, 1), closing: make(chan struct{})}
	s.flusher.Go(s.flushAll)
	return s, nil
}

// Close writes what is waiting to be and ends followers' wait for more. A second time it does nothing.
func (s *Store) Close() (err error) {
	s.closed.Do(func() {
		close(s.closing)
		s.flusher.Wait()
		err = s.root.Close()
	})
	return err
}

// Append adds a line to an app's stream. It does not wait for the disk: the line is there for readers at once and
// written within a tenth of a second. Lines that cannot be written are counted, and the count becomes a line of its
// own when writing works again. Newlines in the text become spaces.
func (s *Store) Append(app string, l paas.LogLine) {
	st := s.stream(app)
	if !st.append(l) {
		return // it is waiting to be written already
	}
	s.mu.Lock()
	s.dirty = append(s.dirty, st)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Last returns the time of the last line of an instance that the stream has and how many lines of it bear that time;
// the zero time when there is none.
func (s *Store) Last(app, instanceID string) (t time.Time, n int) {
	return s.stream(app).lastOf(instanceID)
}

// Remove deletes an app's stream. Its followers end.
func (s *Store) Remove(app string) error {
	st := s.stream(app)
	s.mu.Lock()
	delete(s.streams, app)
	s.mu.Unlock()
	if err := st.remove(); err != nil {
		return fmt.Errorf("remove the log of app %s: %w", app, err)
	}
	return nil
}

// stream returns an app's stream, read in from disk at its first use.
func (s *Store) stream(app string) *stream {
	s.mu.Lock()
	st := s.streams[app]
	if st == nil {
		st = newStream(s.root, app, s.opts)
		s.streams[app] = st
	}
	s.mu.Unlock()
	st.load()
	return st
}

// flushAll writes what is appended, a batch at a time, until Close.
func (s *Store) flushAll() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.wake:
		case <-s.closing:
			s.flushDirty()
			return
		}
		timer.Reset(batchFor)
		select {
		case <-timer.C:
		case <-s.closing:
		}
		s.flushDirty()
	}
}

func (s *Store) flushDirty() {
	s.mu.Lock()
	dirty := s.dirty
	s.dirty = nil
	s.mu.Unlock()
	for _, st := range dirty {
		st.flush()
	}
}

// errGone ends the followers of a stream that was removed.
var errGone = errors.New("the app's log was removed")
