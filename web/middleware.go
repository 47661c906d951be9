package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"paas"
)

// trackRequests lets Wait see what is being worked on.
func (s *Server) trackRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		s.inFlight.begin()
		defer s.inFlight.end()
		return next(c)
	}
}

// timeLimits frees a request of the write deadline that the one before it on its connection has left, and bounds the wait
// for its body: net/http reads that of a refused request, too, before it answers. body ends the bound.
func timeLimits(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		conn := http.NewResponseController(c.Response())
		if err := deadline(conn.SetWriteDeadline, time.Time{}); err != nil {
			return err
		}
		if c.Request().ContentLength != 0 {
			if err := deadline(conn.SetReadDeadline, time.Now().Add(bodyTimeout)); err != nil {
				return err
			}
		}
		return next(c)
	}
}

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID gives each request an id, the client's where it is well-formed, and says it in the answer.
func (s *Server) requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !requestIDForm.MatchString(id) {
			id = newRequestID()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

func newRequestID() string { return rand.Text() }

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }

// logRequests also renders errors, so that the line has the status that was sent.
func (s *Server) logRequests(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		r := c.Request()
		s.log.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", c.Response().Status,
			"bytes", c.Response().Size, "took", time.Since(start), "user", paas.UserOf(r.Context()), "from", c.RealIP(),
			"request_id", requestIDOf(c))
		return nil
	}
}

// recoverPanics turns a panic into an internal error with its stack.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer recovered(&err)
		return next(c)
	}
}

// recovered is to be deferred: it sets *err when there is a panic.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
	}
}

// checkParams unescapes the parameters of the path and refuses what can be no app's name, so that no handler ever
// sees one.
func checkParams(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		values := c.ParamValues()
		for i, name := range c.ParamNames() {
			if c.Request().URL.RawPath != "" {
				v, err := url.PathUnescape(values[i])
				if err != nil {
					return paas.Errorf(paas.Invalid, "the path is not well-formed: %w", err)
				}
				values[i] = v
			}
			if name != "app" {
				continue
			}
			if err := paas.ValidateAppName(values[i]); err != nil {
				return err
			}
		}
		c.SetParamValues(values...)
		return next(c)
	}
}

// lasting is the context of an operation that goes on when its client leaves.
func lasting(c echo.Context) context.Context { return context.WithoutCancel(c.Request().Context()) }
