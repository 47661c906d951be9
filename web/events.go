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

func (s *Server) listEvents(c echo.Context) error {
	limit := defaultEvents
	if v := c.QueryParam("limit"); v != "" {
		var err error
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > maxEvents {
			return badParam("limit", "a number from 1 to "+strconv.Itoa(maxEvents))
		}
	}
	events, err := s.Events.Events(c.Request().Context(), c.Param("app"), limit)
	return list[paas.EventInfo](c, events, err)
}
