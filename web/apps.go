package web

import (
	"context"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

func (s *Server) health(c echo.Context) error {
	if err := inTime(http.NewResponseController(c.Response())); err != nil {
		return err
	}
	return c.String(http.StatusOK, "ok\n")
}

func (s *Server) getVersion(c echo.Context) error {
	return answer(c, http.StatusOK, client.VersionInfo{Version: s.version}, nil)
}

// getMetrics is not of one app: whoever may come in may scrape.
func (s *Server) getMetrics(c echo.Context) error {
	if err := inTime(http.NewResponseController(c.Response())); err != nil {
		return err
	}
	s.Metrics.ServeHTTP(c.Response(), c.Request())
	return nil
}

func (s *Server) listApps(c echo.Context) error {
	apps, err := s.Apps.Apps(c.Request().Context())
	return list(c, apps, err)
}

func (s *Server) createApp(c echo.Context) error {
	name, err := boundName(c)
	about(c, name)
	if err != nil {
		return err
	}
	app, err := s.Apps.CreateApp(lasting(c), name)
	return answer(c, http.StatusCreated, app, err)
}

func (s *Server) getApp(c echo.Context) error {
	app, err := s.Apps.App(c.Request().Context(), c.Param("app"))
	return answer(c, http.StatusOK, app, err)
}

func (s *Server) renameApp(c echo.Context) error {
	to, err := boundName(c)
	about(c, to)
	if err != nil {
		return err
	}
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		return s.Apps.RenameApp(ctx, c.Param("app"), to, progress)
	})
}

func (s *Server) destroyApp(c echo.Context) error {
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		return struct{}{}, s.Apps.DestroyApp(ctx, c.Param("app"), progress)
	})
}

// boundName reads an app's name from the body.
func boundName(c echo.Context) (string, error) {
	var body client.NameBody
	if err := bind(c, &body); err != nil {
		return "", err
	}
	return body.Name, paas.ValidateAppName(body.Name)
}
