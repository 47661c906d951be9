package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

func (s *Server) listBuilds(c echo.Context) error {
	builds, err := s.Builds.Builds(c.Request().Context(), c.Param("app"))
	return list(c, builds, err)
}

func (s *Server) getBuild(c echo.Context) error {
	id, err := number(c, "id", "build")
	if err != nil {
		return err
	}
	b, err := s.Builds.Build(c.Request().Context(), c.Param("app"), id)
	return answer(c, http.StatusOK, b, err)
}

func (s *Server) getBuildLog(c echo.Context) error {
	id, err := number(c, "id", "build")
	if err != nil {
		return err
	}
	colours, err := flag(c, "colours")
	if err != nil {
		return err
	}
	out := newFlow(c, echo.MIMETextPlainCharsetUTF8)
	err = s.Builds.BuildLog(c.Request().Context(), c.Param("app"), id, colours, out)
	if err = out.end(err); err == nil || !c.Response().Committed {
		return err
	}
	s.fault(c, err) // for the log: the answer has begun
	return breakOff(c)
}

func (s *Server) cancelBuild(c echo.Context) error {
	id, err := number(c, "id", "build")
	if err != nil {
		return err
	}
	b, err := s.Builds.CancelBuild(lasting(c), c.Param("app"), id)
	return answer(c, http.StatusOK, b, err)
}
