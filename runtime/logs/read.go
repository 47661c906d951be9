package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"paas"
)

// Read calls fn with the lines of an app's stream that q selects, in order of arrival. Without Follow it ends with
// what is there now; with it, it goes on until ctx ends, the stream is removed or the store closed, and returns nil
// then. With Follow and none of Lines, Since and After, nothing of the past comes. An error of fn ends it and is returned.
//
// A reader slower than the stream's bound allows misses lines, and gets a line that says how many. That one is in no
// stream: its Seq is 0.
func (s *Store) Read(ctx context.Context, app string, q paas.LogQuery, fn func(paas.LogLine) error) error {
	st := s.stream(app)
	st.flush()
	segments, _, err := st.snapshot()
	if err != nil {
		return nil // it was removed just now: there is nothing
	}
	c := &cursor{st: st, q: q, fn: fn}
	switch {
	case q.Lines > 0:
		if err = c.tail(ctx, segments); err == nil {
			c.seek(segments)
		}
	case q.After > 0:
		c.resume(segments)
		err = c.advance(ctx, segments)
	case q.Follow && q.Since.IsZero():
		c.seek(segments)
	default:
		err = c.advance(ctx, segments)
	}
	if err == nil && q.Follow {
		err = c.follow(ctx, s.closing)
	}
	if errors.Is(err, errGone) || q.Follow && errors.Is(err, fs.ErrClosed) || q.Follow && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// cursor is a reader's place in a stream.
type cursor struct {
	st *stream
	q  paas.LogQuery
	fn func(paas.LogLine) error

	started bool
	in      segment // the one it is in; size is how far it has read, lines how many
}

// seek goes to the end of a snapshot.
func (c *cursor) seek(segments []segment) {
	if len(segments) > 0 {
		c.in, c.started = segments[len(segments)-1], true
	}
}

// resume goes to where a reader was that has had the line q.After. What is deleted since is missed by advance.
func (c *cursor) resume(segments []segment) {
	c.q.After = min(c.q.After, endOf(segments)) // what the machine lost when it went down has its numbers given again
	c.in, c.started = segment{first: c.q.After}, true
	for _, s := range segments {
		if s.first <= c.q.After && c.q.After <= s.end() {
			c.in = segment{first: s.first} // the lines before are passed over
		}
	}
}

// follow reads on whenever there is more.
func (c *cursor) follow(ctx context.Context, closing <-chan struct{}) error {
	for {
		segments, more, err := c.st.snapshot()
		if err != nil {
			return err
		}
		if err := c.advance(ctx, segments); err != nil {
			return err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		case <-closing:
			return nil
		}
	}
}

// advance reads from the cursor's place to the end of a snapshot.
func (c *cursor) advance(ctx context.Context, segments []segment) error {
	for _, s := range segments {
		if c.started && s.first < c.in.first {
			continue
		}
		if !c.started || s.first > c.in.first {
			if err := c.enter(s); err != nil {
				return err
			}
		}
		if err := c.readOn(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// enter goes to the start of a segment, and says how many lines were deleted before the cursor came to read them.
func (c *cursor) enter(s segment) error {
	missed := s.first - c.in.end()
	wasIn := c.started
	c.in, c.started = segment{first: s.first}, true
	if wasIn && missed > 0 {
		return c.say(fmt.Sprintf("%d lines lost: this reader is too slow", missed))
	}
	return nil
}

func (c *cursor) say(text string) error {
	return c.fn(paas.LogLine{Time: c.st.opts.Now(), Source: paas.LogPaas, Process: "logs", Text: text})
}

// readOn reads the segment that the cursor is in, to its end in the snapshot. One that has been deleted meanwhile is
// left where it is: the next segment's number tells what is missing.
func (c *cursor) readOn(ctx context.Context, s segment) error {
	if c.in.size >= s.size {
		return nil
	}
	f, section, err := c.st.section(s, c.in.size)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the log of app %s: %w", c.st.app, err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(section, 64<<10)
	for {
		record, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the log of app %s: %w", c.st.app, err)
		}
		c.in.size += int64(len(record))
		c.in.lines++
		l, ok := parseRecord(bytes.TrimSuffix(record, []byte{'\n'}))
		l.Seq = c.in.end()
		if !ok || !c.q.Match(l) {
			continue
		}
		if err := c.fn(l); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// tail gives the last lines of a snapshot that the query selects. It reads from the end, so its cost is theirs.
func (c *cursor) tail(ctx context.Context, segments []segment) error {
	var found []paas.LogLine
	for _, s := range slices.Backward(segments) {
		if len(found) == c.q.Lines || ctx.Err() != nil {
			break
		}
		if err := c.tailOf(s, &found); err != nil {
			return err
		}
	}
	for _, l := range slices.Backward(found) {
		if err := c.fn(l); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// tailOf adds the last lines of a segment, newest first, until there are enough.
func (c *cursor) tailOf(s segment, found *[]paas.LogLine) error {
	f, section, err := c.st.section(s, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the log of app %s: %w", c.st.app, err)
	}
	defer f.Close()
	in := newBackward(section, s.size)
	number := s.end() + 1
	for len(*found) < c.q.Lines {
		record, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the log of app %s: %w", c.st.app, err)
		}
		number--
		if number <= c.q.After {
			return nil
		}
		l, ok := parseRecord(record)
		l.Seq = number
		if ok && c.q.Match(l) {
			*found = append(*found, l)
		}
	}
	return nil
}
