package paas

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Code classifies an error for whoever must react to it: a script, the HTTP API, the CLI's exit code.
type Code string

// The codes. What is not an *Error is Internal.
const (
	Internal     Code = "internal"
	Invalid      Code = "invalid"      // the request can never work as it is
	Unauthorized Code = "unauthorized" // no identity, or one that may not do this
	NotFound     Code = "not_found"
	Conflict     Code = "conflict" // the request clashes with the present state
	Stale        Code = "stale"    // If-Match named an older version
	Failed       Code = "failed"   // a build, deploy or other work ran and did not succeed
	Unavailable  Code = "unavailable"
	RateLimited  Code = "rate_limited"
	Canceled     Code = "canceled"
)

// Error is what a user may read: Message says in one lower-case sentence what happened and names the thing, Hint is
// the next command to try. Err is the cause, for the operator's log only.
type Error struct {
	Code    Code
	Message string
	Hint    string
	Err     error
}

// Errorf makes an Error; a %w verb in format also sets its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// WithHint sets the next command to try and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Because sets the cause and returns e.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first Error in err's chain: Internal when there is none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Exit is what a command ends with after an error of this code: the contract with scripts. It is 0 for none.
func (c Code) Exit() int {
	switch c {
	case "":
		return 0
	case Invalid:
		return 2
	case Unauthorized:
		return 3
	case NotFound:
		return 4
	case Conflict, Stale:
		return 5
	case Failed:
		return 6
	case Unavailable, RateLimited:
		return 7
	case Canceled:
		return 130
	default:
		return 1
	}
}

// Advice is the hint as the line beneath the error: "try:" introduces a command to type, "hint:" what to do in words. It
// is "" where there is none.
func Advice(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Hint == "" {
		return ""
	}
	program, _, _ := strings.Cut(e.Hint, " ")
	switch program {
	case "paas", "paasd", "git", "ssh", "docker", "apt", "chmod", "ssh-keygen", "systemctl":
		return "try: " + e.Hint
	}
	return "hint: " + e.Hint
}

// Quote shows a string that a user gave: quoted, control characters escaped, cut at 80 characters.
func Quote(s string) string {
	if utf8.RuneCountInString(s) > 80 {
		s = string([]rune(s)[:80]) + "…"
	}
	return strconv.Quote(s)
}
