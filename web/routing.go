package web

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

// getRoutes is of an app, or, on the path without one, of all.
func (s *Server) getRoutes(c echo.Context) error {
	table, err := s.Routes.Routes(c.Request().Context(), c.Param("app"))
	table.Routes = orEmpty(table.Routes)
	return answer(c, http.StatusOK, table, err)
}

func (s *Server) getRouting(c echo.Context) error {
	settings, err := s.Routing.Routing(c.Request().Context(), c.Param("app"))
	return list(c, settings, err)
}

func (s *Server) setRouting(c echo.Context) error {
	var patch paas.RoutingPatch
	if err := bind(c, &patch); err != nil {
		return err
	}
	about(c, names(patch)...)
	changed, err := s.Routing.SetRouting(lasting(c), c.Param("app"), patch)
	return answer(c, http.StatusOK, client.SettingsChange{Changed: orEmpty(changed)}, err)
}

func (s *Server) maintenanceOn(c echo.Context) error {
	return switchOf(c, s.Routing.SetMaintenance, true)
}

func (s *Server) maintenanceOff(c echo.Context) error {
	return switchOf(c, s.Routing.SetMaintenance, false)
}
func (s *Server) pause(c echo.Context) error  { return switchOf(c, s.Routing.SetPaused, true) }
func (s *Server) resume(c echo.Context) error { return switchOf(c, s.Routing.SetPaused, false) }

func switchOf(c echo.Context, set func(ctx context.Context, app string, on bool) (paas.AppInfo, error), on bool) error {
	app, err := set(lasting(c), c.Param("app"), on)
	return answer(c, http.StatusOK, app, err)
}
