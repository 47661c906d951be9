package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

func (s *Server) getBuildSettings(c echo.Context) error {
	settings, err := s.BuildSettings.BuildSettings(c.Request().Context(), c.Param("app"))
	return list(c, settings, err)
}

func (s *Server) setBuildSettings(c echo.Context) error {
	var patch paas.BuildPatch
	if err := bind(c, &patch); err != nil {
		return err
	}
	about(c, names(patch)...)
	changed, err := s.BuildSettings.SetBuildSettings(lasting(c), c.Param("app"), patch)
	return answer(c, http.StatusOK, client.SettingsChange{Changed: orEmpty(changed)}, err)
}

func (s *Server) listBuildSecrets(c echo.Context) error {
	secrets, err := s.BuildSettings.BuildSecrets(c.Request().Context(), c.Param("app"))
	return list(c, secrets, err)
}

func (s *Server) setBuildSecrets(c echo.Context) error {
	var patch paas.BuildSecretsPatch
	if err := bind(c, &patch); err != nil {
		return err
	}
	about(c, names(patch)...)
	secrets, err := s.BuildSettings.SetBuildSecrets(lasting(c), c.Param("app"), patch)
	return list(c, secrets, err)
}
