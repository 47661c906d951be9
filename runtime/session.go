package runtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"paas"
)

// process is what a session is attached to.
type process interface {
	resize(ctx context.Context, size paas.TerminalSize) error
	signal(ctx context.Context, name string) error
	// hangUp ends it, as far as that can be done, because its client has gone.
	hangUp(ctx context.Context) error
}

// session is a client attached to a process.
type session struct {
	process process
	log     *slog.Logger
	name    string // of the process, for errors
	tty     bool
	stdin   bool
	size    paas.TerminalSize
	stdio   paas.Stdio

	conn        client.HijackedResponse
	exited      <-chan exit
	stopWaiting func()
	copied      chan struct{} // closed when the output has ended
	clientGone  chan struct{} // closed when a write to the client has failed
}

// run serves the client until the process has ended.
func (s *session) run(ctx context.Context) (int, error) {
	defer s.abandon()
	if s.stdin {
		go s.copyInput() // not waited for: see Run. Not begun before the process has: what is read can be given once only
	}
	stopControl := s.control(ctx)
	defer stopControl()

	var e exit
	select {
	case e = <-s.exited:
	case <-ctx.Done():
		return s.hangUp(ctx)
	case <-s.clientGone:
		return s.hangUp(ctx)
	}
	select {
	case <-s.copied:
	case <-ctx.Done():
	}
	if e.err != nil {
		return 0, fmt.Errorf("run %s: %w", s.name, e.err)
	}
	return e.code, nil
}

// hangUp ends the process of a client that has gone.
func (s *session) hangUp(ctx context.Context) (int, error) {
	ctx = context.WithoutCancel(ctx)
	canceled := paas.Errorf(paas.Canceled, "%s was ended because its client had gone", s.name)
	if err := s.process.hangUp(ctx); err != nil {
		return 0, canceled.Because(err)
	}
	e := <-s.exited
	return e.code, canceled.Because(e.err)
}

// abandon lets go of the process and waits for the output's copy to end.
func (s *session) abandon() {
	s.conn.Close()
	<-s.copied
	s.stopWaiting()
}

// copyOut starts to copy what comes.
func (s *session) copyOut() {
	s.copied, s.clientGone = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.copied)
		if err := s.copyOutput(); err != nil {
			close(s.clientGone)
		}
	}()
}

// copyOutput returns an error only if the client cannot be written to: what the connection does is the engine's
// matter, which the wait tells of.
func (s *session) copyOutput() error {
	out, errs := &clientWriter{w: s.stdio.Stdout}, &clientWriter{w: s.stdio.Stderr}
	var err error
	if s.tty {
		_, err = io.Copy(out, s.conn.Reader)
	} else {
		_, err = stdcopy.StdCopy(out, errs, s.conn.Reader)
	}
	if gone := errors.Join(out.err, errs.err); gone != nil {
		return gone
	}
	if err != nil {
		s.log.Debug("the output of a run broke off", "error", err)
	}
	return nil
}

// clientWriter remembers that writing failed, to tell it from a failure to read. A nil writer discards.
type clientWriter struct {
	w   io.Writer
	err error
}

func (c *clientWriter) Write(p []byte) (int, error) {
	if c.w == nil {
		return len(p), nil
	}
	n, err := c.w.Write(p)
	if err != nil {
		c.err = err
	}
	return n, err
}

// copyInput ends with the process's stdin closed, however it ends.
func (s *session) copyInput() {
	if s.stdio.Stdin != nil {
		if _, err := io.Copy(s.conn.Conn, s.stdio.Stdin); err != nil {
			s.log.Debug("the input of a run broke off", "error", err)
		}
	}
	if err := s.conn.CloseWrite(); err != nil {
		s.log.Debug("the input of a run was not closed", "error", err)
	}
}

// control passes on sizes and signals until the returned function is called, which waits for it to have ended.
func (s *session) control(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		if s.tty {
			s.resize(ctx, s.size)
		}
		resize, signals := s.stdio.Resize, s.stdio.Signals
		for {
			select {
			case size, ok := <-resize:
				if !ok {
					resize = nil
					continue
				}
				s.resize(ctx, size)
			case name, ok := <-signals:
				if !ok {
					signals = nil
					continue
				}
				s.signal(ctx, name)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-finished
	}
}

// resize is best effort: the process may have ended.
func (s *session) resize(ctx context.Context, size paas.TerminalSize) {
	if !s.tty || size.Cols == 0 || size.Rows == 0 {
		return
	}
	if err := s.process.resize(ctx, size); err != nil {
		s.log.Debug("a terminal was not resized", "error", err)
	}
}

// signal is best effort: the process may have ended.
func (s *session) signal(ctx context.Context, name string) {
	if err := s.process.signal(ctx, name); err != nil {
		s.log.Debug("a signal was not sent", "signal", name, "error", err)
	}
}
