package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
)

func (s *Server) listRuns(c echo.Context) error {
	runs, err := s.Runs.Runs(c.Request().Context(), c.Param("app"))
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
