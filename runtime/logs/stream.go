package logs

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"paas"
)

// maxWaiting bounds what waits for a disk that is slow; beyond, lines are lost.
const maxWaiting = 4 << 20

// stream is the log of one app. What is in memory is guarded by mu, which is never held over a file operation; disk
// is held by whoever changes the files.
type stream struct {
	root *os.Root
	app  string
	opts Options

	loading sync.Once
	disk    sync.Mutex

	mu       sync.Mutex
	segments []segment // oldest first; sizes are what readers may read
	waiting  batch
	lost     int    // lines since the last write that worked
	lostWhy  string // the latest reason
	last     map[string]mark
	changed  chan struct{} // closed when there is more to read, or never will be
	removed  bool

	// write appends to a file; tests make it fail.
	write func(f *os.File, b []byte) error
}

// batch is records that wait to be written.
type batch struct {
	records []byte
	lines   int
}

// mark is where an instance's lines end: n lines bear time t. line is the last one's number in the stream.
type mark struct {
	t    time.Time
	n    int
	line int64
}

func newStream(root *os.Root, app string, opts Options) *stream {
	return &stream{root: root, app: app, opts: opts, last: map[string]mark{}, changed: make(chan struct{}), write: appendTo}
}

func appendTo(f *os.File, b []byte) error {
	_, err := f.Write(b)
	return err
}

// append takes a line. It returns true if nothing was waiting before, so that somebody must call flush.
func (st *stream) append(l paas.LogLine) (first bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.removed {
		return false
	}
	if len(st.waiting.records) > maxWaiting {
		st.lost++
		st.lostWhy = "the disk is too slow"
		return false
	}
	first = st.waiting.lines == 0
	st.waiting.records = appendRecord(st.waiting.records, l)
	st.waiting.lines++
	st.note(l.Instance, l.Time, st.end()+int64(st.waiting.lines))
	return first
}

// note keeps the index of last lines.
func (st *stream) note(instance string, t time.Time, line int64) {
	if instance == "" {
		return
	}
	m := st.last[instance]
	if !m.t.Equal(t) {
		m = mark{t: t}
	}
	m.n++
	m.line = line
	st.last[instance] = m
}

// end is the number of the line after the last one written.
func (st *stream) end() int64 {
	if len(st.segments) == 0 {
		return 0
	}
	return st.segments[len(st.segments)-1].end()
}

func (st *stream) lastOf(instance string) (time.Time, int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	m := st.last[instance]
	return m.t, m.n
}

// flush writes what is waiting, and before it how many lines were lost, if any.
func (st *stream) flush() {
	st.disk.Lock()
	defer st.disk.Unlock()
	st.mu.Lock()
	taken, lost, why, removed := st.waiting, st.lost, st.lostWhy, st.removed
	st.waiting, st.lost = batch{}, 0
	segments := slices.Clone(st.segments)
	st.mu.Unlock()
	if removed || taken.lines == 0 && lost == 0 {
		return
	}
	all := taken
	if lost > 0 {
		all = batch{records: append(appendRecord(nil, st.lostLine(lost, why)), taken.records...), lines: taken.lines + 1}
	}
	segments, err := st.store(segments, all)

	st.mu.Lock()
	defer st.mu.Unlock()
	st.segments = segments
	st.forget()
	if err != nil {
		// What did get written of the batch counts as lost too: it cannot be told which.
		st.lost += lost + taken.lines
		st.lostWhy = reason(err)
	}
	st.announce()
}

func (st *stream) lostLine(n int, why string) paas.LogLine {
	return paas.LogLine{Time: st.opts.Now(), Source: paas.LogPaas, Process: "logs", Text: fmt.Sprintf("%d lines lost: %s", n, why)}
}

func reason(err error) string {
	if paas.OutOfSpace(err) {
		return "no space left"
	}
	return err.Error()
}

// announce wakes the followers.
func (st *stream) announce() {
	close(st.changed)
	st.changed = make(chan struct{})
}

// forget drops the marks of instances of which no line is left. Their numbers may be too low by what was being
// written when they were noted, hence the margin of a segment.
func (st *stream) forget() {
	if len(st.segments) == 0 {
		return
	}
	oldest := st.segments[0]
	for id, m := range st.last {
		if m.line+oldest.lines < oldest.first {
			delete(st.last, id)
		}
	}
}

// snapshot is what there is to read now, and the channel that is closed when there is more.
func (st *stream) snapshot() (segments []segment, more <-chan struct{}, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.removed {
		return nil, nil, errGone
	}
	return slices.Clone(st.segments), st.changed, nil
}

func (st *stream) remove() error {
	st.disk.Lock()
	defer st.disk.Unlock()
	st.mu.Lock()
	st.removed = true
	st.announce()
	st.mu.Unlock()
	return st.root.RemoveAll(st.app)
}
