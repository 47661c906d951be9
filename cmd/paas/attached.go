package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"paas"
)

// attached connects a process to our streams until it ends and returns its exit code. On a terminal, which tty is, a
// signal to paas hangs up; without one it is the process's to answer.
func (s *session) attached(ctx context.Context, tty *tty, serve func(context.Context, paas.Stdio) (int, error)) (int, error) {
	stdio := paas.Stdio{Stdin: stdinOf(s.in), Stdout: s.out, Stderr: s.err}
	if tty == nil {
		signals, stop := relaySignals()
		defer stop()
		stdio.Signals = signals
		return serve(context.WithoutCancel(ctx), stdio)
	}
	restore, err := tty.raw()
	if err != nil {
		return 0, err
	}
	resize, stop := tty.resizes()
	stdio.Resize = resize
	code, err := serve(ctx, stdio)
	stop()
	return code, errors.Join(err, restore())
}

// stdinOf is an input that is never nil: a closed one is at its end.
func stdinOf(in io.Reader) io.Reader {
	if in == nil {
		return strings.NewReader("")
	}
	return in
}

// withTerm adds to the environment of a process what kind of terminal it writes to.
func (s *session) withTerm(env map[string]string) map[string]string {
	term := s.getenv("TERM")
	if _, given := env["TERM"]; term == "" || given {
		return env
	}
	if env == nil {
		env = map[string]string{}
	}
	env["TERM"] = term
	return env
}

// exitedWith is how paas itself ends after an attached process.
func exitedWith(code int) error {
	if code != 0 {
		return exitStatus(code)
	}
	return nil
}

// lost says what a broken connection means for the process. It exits with 1: what the process would have exited with
// nobody knows, and the server was there, so it is not "unavailable". An error that the server sent stays.
func lost(err error, name, hint string) error {
	e, ok := errors.AsType[*paas.Error](err)
	if !ok || e.Code != paas.Unavailable || e.Err == nil {
		return err
	}
	return paas.Errorf(paas.Internal, "the connection to %s was lost, and so it is being ended: %w", name, e.Err).WithHint("%s", hint)
}
