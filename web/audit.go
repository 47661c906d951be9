package web

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"paas"
)

const (
	subjectKey = "paas.subject"
	faultKey   = "paas.fault"
	maxSubject = 300
)

// change makes a handler one whose requests go into the audit, however they end. action is the command that people type for it.
func (s *Server) change(action string, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		ctx := c.Request().Context()
		record := s.begin(paas.Change{
			User: paas.UserOf(ctx), From: visitorOf(ctx).from(c), Name: c.Param("app"), Action: action, RequestID: requestIDOf(c),
		})
		defer func() { // also of a panic
			if r := recover(); r != nil {
				record(subjectOf(c), paas.Errorf(paas.Internal, "internal error"))
				panic(r)
			}
		}()
		err = next(c)
		record(subjectOf(c), errOf(c, err))
		return err
	}
}

// begin notes what a change is of before it is made: an app may be gone, or have another name, after.
func (s *Server) begin(change paas.Change) (record func(subject string, err *paas.Error)) {
	start := time.Now()
	change.Time = s.now().UTC().Truncate(time.Microsecond)
	if change.Name != "" {
		change.App = s.Events.AppID(change.Name)
	}
	return func(subject string, err *paas.Error) {
		change.Took, change.Subject = time.Since(start), clipped(subject)
		if err != nil {
			change.Code, change.Error = err.Code, clipped(err.Message)
		}
		s.Events.RecordChange(change)
	}
}

// about says what a change is of, for the audit: names and quantities, never values.
func about(c echo.Context, subject ...string) { c.Set(subjectKey, strings.Join(subject, ", ")) }

// names are those that a patch sets or removes.
func names[P ~map[string]*string](patch P) []string { return slices.Sorted(maps.Keys(patch)) }

// subjectOf is what the handler said, else the last parameter of the path.
func subjectOf(c echo.Context) string {
	if subject, ok := c.Get(subjectKey).(string); ok {
		return subject
	}
	names, values := c.ParamNames(), c.ParamValues()
	if last := len(names) - 1; last >= 0 && names[last] != "app" {
		return values[last]
	}
	return ""
}

// errOf is the error that a request ended with: the handler's, or one that it has told its client already.
func errOf(c echo.Context, err error) *paas.Error {
	if err != nil {
		return recorded(err)
	}
	told, _ := c.Get(faultKey).(*paas.Error)
	return told
}

// recorded is an error as the audit has it: what users may read of it.
func recorded(err error) *paas.Error {
	if public := publicError(err); public != nil || err == nil {
		return public
	}
	return paas.Errorf(paas.Internal, "internal error")
}

// clipped bounds what of a request is kept, which may be as long as a body.
func clipped(text string) string {
	if len(text) <= maxSubject {
		return text
	}
	return strings.ToValidUTF8(text[:maxSubject], "") + "…"
}

// from is the door that a visitor came through, and where that is known the address.
func (v visitor) from(c echo.Context) string {
	switch v.door {
	case doorUnix:
		return "socket"
	case doorSSH:
		return "ssh " + v.addr
	default:
		return "http " + c.RealIP()
	}
}
