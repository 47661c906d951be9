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

// exitCode is the contract with scripts: what each class of error exits with.
func exitCode(code paas.Code) int {
	switch code {
	case "":
		return 0
	case paas.Invalid:
		return 2
	case paas.Unauthorized:
		return 3
	case paas.NotFound:
		return 4
	case paas.Conflict, paas.Stale:
		return 5
	case paas.Failed:
		return 6
	case paas.Unavailable, paas.RateLimited:
		return 7
	case paas.Canceled:
		return 130
	default:
		return 1
	}
}

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
	if e, ok := errors.AsType[*paas.Error](err); ok && e.Hint != "" {
		s.note("  %s: %s", hintLabel(e.Hint), e.Hint)
	}
	return exitCode(paas.CodeOf(err))
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

// hintLabel introduces a hint: some are a command to type, others say what to do in words.
func hintLabel(hint string) string {
	program, _, _ := strings.Cut(hint, " ")
	switch program {
	case "paas", "paasd", "git", "ssh", "docker":
		return "try"
	}
	return "hint"
}

// usage is the error of a command line that cannot be understood; command "" is paas itself.
func usage(command, format string, args ...any) error {
	return paas.Errorf(paas.Invalid, format, args...).WithHint("%s", strings.TrimSpace("paas help "+command))
}
