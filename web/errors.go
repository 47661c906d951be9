package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

// renderError is the one place where errors become answers.
func (s *Server) renderError(err error, c echo.Context) {
	fault := s.fault(c, err)
	status := client.Status(fault.Code)
	if he, ok := errors.AsType[*echo.HTTPError](err); ok && he.Code == http.StatusMethodNotAllowed {
		status = he.Code
	}
	if c.Response().Committed {
		return
	}
	if fault.Code == paas.Unauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="paas"`)
	}
	if err := answer(c, status, client.Failure{Error: fault}, nil); err != nil {
		s.log.Debug("answer not delivered", "request_id", requestIDOf(c), "error", err)
	}
}

// fault is what the user may read of an error; the rest goes to the log.
func (s *Server) fault(c echo.Context, err error) client.Fault {
	id := requestIDOf(c)
	public := publicError(err)
	if public == nil {
		s.log.Error("request failed", "request_id", id, "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
		c.Set(faultKey, paas.Errorf(paas.Internal, "internal error"))
		return client.Fault{Code: paas.Internal, Message: "internal error (request id " + id + ")", Hint: "look for it in paasd's log", RequestID: id}
	}
	if paas.OutOfSpace(err) {
		s.log.Warn("request failed for want of space", "request_id", id, "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
	}
	c.Set(faultKey, public)
	return client.Fault{Code: public.Code, Message: public.Message, Hint: public.Hint, RequestID: id}
}

// publicError is the error that a user may read in err's chain; nil when there is none.
func publicError(err error) *paas.Error {
	if e, ok := errors.AsType[*paas.Error](err); ok && e.Code != paas.Internal {
		return e
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return routeError(he.Code)
	}
	switch {
	case paas.OutOfSpace(err):
		return paas.NoSpace(err, "on the server")
	case errors.Is(err, context.Canceled):
		return paas.Errorf(paas.Canceled, "canceled")
	case errors.Is(err, context.DeadlineExceeded):
		return paas.Errorf(paas.Unavailable, "it took too long").WithHint("try again")
	}
	return nil
}

// routeError is what the router itself answers.
func routeError(status int) *paas.Error {
	switch status {
	case http.StatusNotFound:
		return paas.Errorf(paas.NotFound, "the API has no such path").WithHint("see web/openapi.yaml for those it has")
	case http.StatusMethodNotAllowed:
		return paas.Errorf(paas.Invalid, "the API has no such method on this path").WithHint("the Allow header names those it has")
	}
	return nil
}
