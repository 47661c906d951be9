package web

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"paas"
)

// The number of runs in an answer. An app keeps more only while they are under way.
const (
	defaultRuns = 50
	maxRuns     = 10_000
)

func (s *Server) listRuns(c echo.Context) error {
	limit := defaultRuns
	if v := c.QueryParam("limit"); v != "" {
		var err error
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > maxRuns {
			return badParam("limit", "a number from 1 to "+strconv.Itoa(maxRuns))
		}
	}
	runs, err := s.Runs.Runs(c.Request().Context(), c.Param("app"), limit)
	return list(c, runs, err)
}

func (s *Server) createRun(c echo.Context) error {
	var req paas.RunRequest
	if err := bind(c, &req); err != nil {
		return err
	}
	run, err := s.Runs.CreateRun(lasting(c), c.Param("app"), req)
	about(c, run.Name) // the command is in its record: it may have what is nobody's business
	return answer(c, http.StatusCreated, run, err)
}

func (s *Server) getRun(c echo.Context) error {
	id, err := number(c, "id", "run")
	if err != nil {
		return err
	}
	run, err := s.Runs.Run(c.Request().Context(), c.Param("app"), id)
	return answer(c, http.StatusOK, run, err)
}

func (s *Server) stopRun(c echo.Context) error {
	id, err := number(c, "id", "run")
	if err != nil {
		return err
	}
	run, err := s.Runs.StopRun(lasting(c), c.Param("app"), id)
	return answer(c, http.StatusOK, run, err)
}
