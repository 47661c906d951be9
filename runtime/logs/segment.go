package logs

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// segmentsPerApp is how many files a full stream has: what is deleted at once is one part in so many.
const segmentsPerApp = 4

// segment is a file of records, named by the number of its first line in the stream, counted from 0.
type segment struct {
	first int64
	lines int64
	size  int64
}

// end is the number of the line after its last.
func (s segment) end() int64 { return s.first + s.lines }

func (st *stream) path(s segment) string { return path.Join(st.app, fmt.Sprintf("%016d.log", s.first)) }

// load reads the stream in at its first use. What cannot be read is as if it were not there.
func (st *stream) load() {
	st.loading.Do(func() {
		st.disk.Lock()
		defer st.disk.Unlock()
		segments := st.list()
		for i := range segments {
			st.scan(&segments[i])
		}
		st.mu.Lock()
		defer st.mu.Unlock()
		st.segments = segments
	})
}

// list finds the segments by their names.
func (st *stream) list() []segment {
	dir, err := st.root.Open(st.app)
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var found []segment
	for _, name := range names {
		base, ok := strings.CutSuffix(name, ".log")
		if first, err := strconv.ParseInt(base, 10, 64); ok && err == nil && first >= 0 {
			found = append(found, segment{first: first})
		}
	}
	slices.SortFunc(found, func(a, b segment) int { return cmp.Compare(a.first, b.first) })
	return found
}

// scan counts the lines of a segment, notes the last ones of each instance, and cuts off a record that was torn.
func (st *stream) scan(s *segment) {
	f, err := st.root.OpenFile(st.path(*s), os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 256<<10)
	for {
		record, err := in.ReadBytes('\n')
		if err != nil {
			if len(record) > 0 {
				_ = f.Truncate(s.size)
			}
			return
		}
		s.size += int64(len(record))
		s.lines++
		if l, ok := parseRecord(bytes.TrimSuffix(record, []byte{'\n'})); ok {
			st.note(l.Instance, l.Time, s.end())
		}
	}
}

// store writes a batch at the end of the stream, over as many segments as it takes, and deletes what is then too
// much. It returns the segments as they are then, also in case of an error.
func (st *stream) store(segments []segment, b batch) ([]segment, error) {
	most := max(1, st.opts.BytesPerApp/segmentsPerApp)
	for len(b.records) > 0 {
		last := len(segments) - 1
		if last < 0 || segments[last].size >= most {
			segments = append(segments, segment{first: endOf(segments)})
			last++
		}
		part := cut(&b, most-segments[last].size)
		if err := st.extend(&segments[last], part); err != nil {
			return segments, err
		}
	}
	return st.shrink(segments), nil
}

func endOf(segments []segment) int64 {
	if len(segments) == 0 {
		return 0
	}
	return segments[len(segments)-1].end()
}

// cut takes whole records off the front of a batch, until they are size bytes or more.
func cut(b *batch, size int64) batch {
	part := batch{}
	for n := 0; int64(n) < size && n < len(b.records); {
		n += bytes.IndexByte(b.records[n:], '\n') + 1
		part.records = b.records[:n]
		part.lines++
	}
	b.records = b.records[len(part.records):]
	b.lines -= part.lines
	return part
}

// extend appends to a segment's file. A write that did not get through is undone, so that a record never starts in
// the middle of another.
func (st *stream) extend(s *segment, part batch) error {
	f, err := st.open(*s)
	if err != nil {
		return err
	}
	err = st.write(f, part.records)
	if err != nil {
		err = errors.Join(err, f.Truncate(s.size))
	} else {
		s.size += int64(len(part.records))
		s.lines += int64(part.lines)
	}
	return errors.Join(err, f.Close())
}

func (st *stream) open(s segment) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE
	f, err := st.root.OpenFile(st.path(s), flags, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := st.root.MkdirAll(st.app, 0o700); err != nil {
		return nil, err
	}
	return st.root.OpenFile(st.path(s), flags, 0o600)
}

// shrink deletes the oldest segments until the stream is within its bound.
func (st *stream) shrink(segments []segment) []segment {
	total := int64(0)
	for _, s := range segments {
		total += s.size
	}
	for len(segments) > 1 && total > st.opts.BytesPerApp {
		// One that cannot be deleted is tried again when the store is next opened.
		_ = st.root.Remove(st.path(segments[0]))
		total -= segments[0].size
		segments = segments[1:]
	}
	return segments
}

// section opens the part of a segment from an offset to its end as the snapshot has it.
func (st *stream) section(s segment, offset int64) (*os.File, *io.SectionReader, error) {
	f, err := st.root.Open(st.path(s))
	if err != nil {
		return nil, nil, err
	}
	return f, io.NewSectionReader(f, offset, s.size-offset), nil
}
