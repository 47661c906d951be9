package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
)

func (s *Server) listSchedules(c echo.Context) error {
	schedules, err := s.Schedules.Schedules(c.Request().Context(), c.Param("app"))
	return list(c, schedules, err)
}

func (s *Server) addSchedule(c echo.Context) error {
	var body paas.Schedule
	if err := bind(c, &body); err != nil {
		return err
	}
	about(c, body.Name)
	schedule, err := s.Schedules.AddSchedule(lasting(c), c.Param("app"), body)
	if err == nil {
		about(c, schedule.Name)
	}
	return answer(c, http.StatusCreated, schedule, err)
}

func (s *Server) setSchedule(c echo.Context) error {
	var patch paas.SchedulePatch
	if err := bind(c, &patch); err != nil {
		return err
	}
	schedule, err := s.Schedules.SetSchedule(lasting(c), c.Param("app"), c.Param("name"), patch)
	return answer(c, http.StatusOK, schedule, err)
}

func (s *Server) removeSchedule(c echo.Context) error {
	schedule, err := s.Schedules.RemoveSchedule(lasting(c), c.Param("app"), c.Param("name"))
	return answer(c, http.StatusOK, schedule, err)
}

func (s *Server) runSchedule(c echo.Context) error {
	run, err := s.Schedules.RunSchedule(lasting(c), c.Param("app"), c.Param("name"))
	return answer(c, http.StatusCreated, run, err)
}
