package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"paas"
)

// exitStatus ends paas with a code and without a word: a one-off's own.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// exit reports err to the user and returns the exit code. It is the only place that does either.
func (s *session) exit(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	if ctx.Err() != nil {
		err = s.interrupted()
	}
	s.note("Error: %s", sentence(err))
	if advice := paas.Advice(err); advice != "" {
		s.note("  %s", advice)
	}
	return paas.CodeOf(err).Exit()
}

// interrupted is the error of a command that the user ended.
func (s *session) interrupted() error {
	if !s.begun {
		return paas.Errorf(paas.Canceled, "interrupted")
	}
	return paas.Errorf(paas.Canceled, "interrupted; what the server has begun goes on there").WithHint("paas ps")
}

// sentence is an error's text. A user error is shown by its own message: what it was wrapped with on its way is for
// operators.
func sentence(err error) string {
	if e, ok := errors.AsType[*paas.Error](err); ok {
		err = e
	}
	return strings.TrimRight(err.Error(), "\n")
}

// usage is the error of a command line that cannot be understood; command "" is paas itself.
func usage(command, format string, args ...any) error {
	return paas.Errorf(paas.Invalid, format, args...).WithHint("%s", strings.TrimSpace("paas help "+command))
}
