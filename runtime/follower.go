package runtime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"paas"
)

// maxLogLine is the longest line kept in one piece, in bytes.
const maxLogLine = 10_000

// follower reads the log of one instance into the sink, from the sink's last line on, over as many connections as it
// takes, until the instance has ended and everything is read.
type follower struct {
	c        *collector
	instance paas.Instance // what its labels tell
	done     chan struct{} // closed when it has read all

	mu    sync.Mutex
	ended bool // done is about to be closed
	again bool // the instance was started since the last look

	at      place
	pending []byte // a line whose end has not come
	began   time.Time
}

// place is a position in an instance's log: after the nth line that bears time t.
type place struct {
	t time.Time
	n int
}

func newFollower(c *collector, i paas.Instance) *follower {
	return &follower{c: c, instance: i, done: make(chan struct{})}
}

// startedAgain tells the follower that its instance has been started. It returns false when that comes too late.
func (f *follower) startedAgain() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.again = !f.ended
	return !f.ended
}

// end finishes, unless the instance has been started meanwhile.
func (f *follower) end() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.again {
		f.again = false
		return false
	}
	f.ended = true
	return true
}

func (f *follower) run() {
	defer close(f.done)
	ctx := f.c.ctx
	f.at.t, f.at.n = f.c.sink.Last(f.instance.App, f.instance.ID)
	wait := backoff{}
	for ctx.Err() == nil {
		before := f.at
		err := f.read(ctx)
		if ctx.Err() != nil || f.finished(ctx, err) {
			return
		}
		if f.at != before {
			wait = backoff{}
		}
		wait.pause(ctx)
	}
}

// finished looks why a stream has ended and says whether it was the last.
func (f *follower) finished(ctx context.Context, streamErr error) bool {
	if cerrdefs.IsNotFound(streamErr) || errors.Is(streamErr, errNotFramed) {
		return f.end()
	}
	now, err := f.c.docker.Instance(ctx, f.instance.ID)
	if paas.CodeOf(err) == paas.NotFound {
		f.flush()
		return f.end()
	}
	if err != nil || streamErr != nil || now.Running {
		return false
	}
	f.flush()
	return f.end()
}

// read follows the log over one connection, to its end.
func (f *follower) read(ctx context.Context) error {
	f.pending = f.pending[:0] // it comes again
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: true}
	if !f.at.t.IsZero() {
		options.Since = f.at.t.UTC().Format(time.RFC3339Nano)
	}
	stream, err := f.c.docker.client.ContainerLogs(ctx, f.instance.ID, options)
	if err != nil {
		return err
	}
	err = f.copy(stream)
	return errors.Join(err, stream.Close())
}

// copy takes frames to the end of the stream. The engine starts with the lines of the time asked for, of which the
// first are kept already.
func (f *follower) copy(stream io.Reader) error {
	skip := f.at
	in := newFrames(stream)
	for {
		frame, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.take(frame, &skip); err != nil {
			return err
		}
	}
}

// take adds a message: a time, a space, and the text, with a newline if the line ends here.
func (f *follower) take(frame []byte, skip *place) error {
	stamp, text, ok := bytes.Cut(frame, []byte{' '})
	t, err := time.Parse(time.RFC3339Nano, string(stamp))
	if !ok || err != nil {
		return errNotFramed
	}
	if len(f.pending) == 0 {
		f.began = t
	}
	text, whole := bytes.CutSuffix(text, []byte{'\n'})
	f.pending = append(f.pending, text...)
	for len(f.pending) > maxLogLine {
		f.emit(f.pending[:maxLogLine], skip)
		f.pending = f.pending[:copy(f.pending, f.pending[maxLogLine:])]
	}
	if whole {
		f.emit(f.pending, skip)
		f.pending = f.pending[:0]
	}
	return nil
}

// flush keeps a last line that never got its newline.
func (f *follower) flush() {
	if len(f.pending) > 0 {
		f.emit(f.pending, &place{})
		f.pending = f.pending[:0]
	}
}

func (f *follower) emit(text []byte, skip *place) {
	if skip.n > 0 && f.began.Equal(skip.t) {
		skip.n--
		return
	}
	if !f.began.Equal(f.at.t) {
		f.at = place{t: f.began}
	}
	f.at.n++
	f.c.sink.Append(f.instance.App, paas.LogLine{
		Time: f.began, Source: paas.LogApp, Process: f.instance.Name, Instance: f.instance.ID, Text: string(text),
	})
}
