package web

import (
	"strconv"

	"github.com/labstack/echo/v4"

	"paas"
)

// The number of events in an answer.
const (
	defaultEvents = 100
	maxEvents     = 10_000
)

// listEvents is of an app, or, on the path without one, every change of the installation.
func (s *Server) listEvents(c echo.Context) (err error) {
	q := paas.EventQuery{App: c.Param("app"), Limit: defaultEvents}
	if v := c.QueryParam("limit"); v != "" {
		if q.Limit, err = strconv.Atoi(v); err != nil || q.Limit < 1 || q.Limit > maxEvents {
			return badParam("limit", "a number from 1 to "+strconv.Itoa(maxEvents))
		}
	}
	if q.Changes, err = flag(c, "changes"); err != nil {
		return err
	}
	events, err := s.Events.Events(c.Request().Context(), q)
	return list(c, events, err)
}
