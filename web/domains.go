package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paas/web/client"
)

func (s *Server) listDomains(c echo.Context) error {
	domains, err := s.Domains.Domains(c.Request().Context(), c.Param("app"))
	return list(c, domains, err)
}

func (s *Server) addDomain(c echo.Context) error {
	var body client.HostBody
	if err := bind(c, &body); err != nil {
		return err
	}
	about(c, body.Host)
	d, err := s.Domains.AddDomain(lasting(c), c.Param("app"), body.Host)
	return answer(c, http.StatusCreated, d, err)
}

func (s *Server) removeDomain(c echo.Context) error {
	d, err := s.Domains.RemoveDomain(lasting(c), c.Param("app"), c.Param("host"))
	return answer(c, http.StatusOK, d, err)
}
