package web

import (
	"context"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

func (s *Server) listReleases(c echo.Context) error {
	releases, err := s.Releases.Releases(c.Request().Context(), c.Param("app"))
	return list(c, releases, err)
}

func (s *Server) getRelease(c echo.Context) error {
	version, err := number(c, "version", "release")
	if err != nil {
		return err
	}
	release, err := s.Releases.Release(c.Request().Context(), c.Param("app"), version)
	return answer(c, http.StatusOK, release, err)
}

func (s *Server) verifyReleases(c echo.Context) error {
	check, err := s.Releases.VerifyReleases(c.Request().Context(), c.Param("app"))
	return answer(c, http.StatusOK, check, err)
}

func (s *Server) rollback(c echo.Context) error {
	var body client.RollbackBody
	if err := bind(c, &body); err != nil {
		return err
	}
	if body.Version < 0 {
		return paas.Errorf(paas.Invalid, "%d is not the number of a release", body.Version).WithHint("paas releases")
	}
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		return s.Releases.Rollback(ctx, c.Param("app"), body.Version, progress)
	})
}
