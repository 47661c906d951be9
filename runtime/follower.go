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
	ended bool               // done is about to be closed
	again bool               // the instance was started since the last look
	cut   context.CancelFunc // ends the stream that is being read

	wake chan struct{} // ends a pause between two streams

	at      place
	open    bool   // a line has begun whose end has not come
	pending []byte // what came of it and is not emitted
	began   time.Time

	received int64 // bytes of new text
}

// place is a position in an instance's log: after the nth line that bears time t.
type place struct {
	t time.Time
	n int
}

func newFollower(c *collector, i paas.Instance) *follower {
	return &follower{c: c, instance: i, done: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// startedAgain tells the follower that its instance has been started, or may have been while the engine was away: the engine
// is there now. It returns false when that comes too late.
func (f *follower) startedAgain() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.again = !f.ended
	select {
	case f.wake <- struct{}{}:
	default: // it is to wake already
	}
	return !f.ended
}

// cutAfter is how long a stream may go on after its instance has ended.
const cutAfter = 300 * time.Millisecond

// died tells the follower that its instance has ended. The stream ends by that, but not always: the engine (20.10)
// may miss the end of one that ends while it begins to follow. So the stream is cut a little later; on the next
// connection the engine knows.
func (f *follower) died() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cut != nil {
		time.AfterFunc(cutAfter, f.cut)
	}
}

// cuttable makes a context for one stream.
func (f *follower) cuttable(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut = cancel
	return ctx, cancel
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
		err := f.read(ctx, true)
		for behind := errors.Is(err, errBehind); behind && ctx.Err() == nil; {
			behind, err = f.catchUp(ctx)
		}
		if ctx.Err() != nil || f.finished(ctx, err) {
			return
		}
		if f.at != before {
			wait = backoff{}
		}
		wait.pauseUntil(ctx, f.wake)
	}
}

// An engine that follows a log loses and repeats files if the log is rotated twice while it is in one of them (seen
// with 20.10). So whoever writes more than a little at a time is not followed but read again and again, which the
// engine does from a snapshot of all files, until little more comes.
const (
	muchAtOnce = 1 << 20
	atOnce     = time.Second
)

// errBehind ends a stream that brings much at once.
var errBehind = errors.New("much was written at once")

// catchUp reads what is there, and says whether that was much. Otherwise following goes on from here.
func (f *follower) catchUp(ctx context.Context) (behind bool, err error) {
	before := f.received
	if err := f.read(ctx, false); err != nil {
		return false, err
	}
	if behind = f.received-before > muchAtOnce/4; behind {
		return true, nil
	}
	err = f.read(ctx, true)
	return errors.Is(err, errBehind), err
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
	// The stream may end a little before the log of an instance that has ended (seen with 20.10).
	if err := f.read(ctx, false); err != nil {
		return false
	}
	f.flush()
	return f.end()
}

// read reads the log over one connection: to where it is now, or following it until the instance ends.
func (f *follower) read(ctx context.Context, follow bool) error {
	f.open, f.pending = false, f.pending[:0] // it comes again
	ctx, cancel := f.cuttable(ctx)
	defer cancel()
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: follow}
	if !f.at.t.IsZero() {
		options.Since = f.at.t.UTC().Format(time.RFC3339Nano)
	}
	stream, err := f.c.docker.client.ContainerLogs(ctx, f.instance.ID, options)
	if err != nil {
		return err
	}
	err = f.copy(stream, follow)
	return errors.Join(err, stream.Close())
}

// copy takes frames to the end of the stream. The engine starts with the lines of the time asked for, of which the
// first are kept already.
func (f *follower) copy(stream io.Reader, follow bool) error {
	skip := f.at
	in := newFrames(stream)
	since, before := time.Now(), f.received
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
		if f.received-before > muchAtOnce {
			now := time.Now()
			if follow && now.Sub(since) < atOnce {
				return errBehind
			}
			since, before = now, f.received
		}
	}
}

// pieceSize is the least that the engine puts into a frame of a line which it goes on with in the next.
const pieceSize = 16 << 10

// take adds a message: a time, a space, and the text, with a newline if the line ends here. Of a long line the engine
// makes several messages of one time; not all log drivers (local, with 20.10) give the last one its newline back.
func (f *follower) take(frame []byte, skip *place) error {
	stamp, text, ok := bytes.Cut(frame, []byte{' '})
	t, err := time.Parse(time.RFC3339Nano, string(stamp))
	if !ok || err != nil {
		return errNotFramed
	}
	if f.open && !t.Equal(f.began) {
		f.endLine(skip)
	}
	f.open, f.began = true, t
	text, whole := bytes.CutSuffix(text, []byte{'\n'})
	f.pending = append(f.pending, text...)
	for len(f.pending) > maxLogLine {
		f.emit(f.pending[:maxLogLine], skip)
		f.pending = f.pending[:copy(f.pending, f.pending[maxLogLine:])]
	}
	if whole || len(text) < pieceSize {
		f.endLine(skip)
	}
	return nil
}

func (f *follower) endLine(skip *place) {
	f.emit(f.pending, skip)
	f.open, f.pending = false, f.pending[:0]
}

// flush keeps a last line that never got its newline.
func (f *follower) flush() {
	if f.open {
		f.endLine(&place{})
	}
}

func (f *follower) emit(text []byte, skip *place) {
	if skip.n > 0 && f.began.Equal(skip.t) {
		skip.n--
		return
	}
	f.received += int64(len(text)) + 1
	if !f.began.Equal(f.at.t) {
		f.at = place{t: f.began}
	}
	f.at.n++
	f.c.sink.Append(f.instance.App, paas.LogLine{
		Time: f.began, Source: paas.LogApp, Process: f.instance.Name, Instance: f.instance.ID, Text: string(text),
	})
}
