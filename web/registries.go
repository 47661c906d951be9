package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

func (s *Server) listRegistries(c echo.Context) error {
	registries, err := s.Registries.Registries()
	return list(c, registries, err)
}

func (s *Server) addRegistry(c echo.Context) error {
	var body client.RegistryBody
	if err := bind(c, &body); err != nil {
		return err
	}
	host, err := paas.ParseRegistryHost(body.Host)
	if err != nil {
		return err
	}
	about(c, host)
	ctx := c.Request().Context()
	login := paas.RegistryLogin{Registry: paas.Registry{Host: host, User: body.User, CreatedBy: paas.UserOf(ctx)}, Password: body.Password}
	if err := login.Validate(); err != nil {
		return err
	}
	registry, err := s.Registries.AddRegistry(ctx, login, !body.NoVerify)
	return answer(c, http.StatusCreated, registry, err)
}

func (s *Server) removeRegistry(c echo.Context) error {
	host, err := paas.ParseRegistryHost(c.Param("host"))
	if err != nil {
		return err
	}
	registry, err := s.Registries.RemoveRegistry(host)
	return answer(c, http.StatusOK, registry, err)
}
