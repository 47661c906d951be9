package web

import (
	"context"
	"io"
	"net/http"
	"strconv"

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

func (s *Server) previewRollback(c echo.Context) error {
	version := 0
	if v := c.QueryParam("version"); v != "" {
		var err error
		if version, err = strconv.Atoi(v); err != nil {
			return badParam("version", "the number of a release")
		}
	}
	if err := rollbackVersion(version); err != nil {
		return err
	}
	preview, err := s.Releases.PreviewRollback(c.Request().Context(), c.Param("app"), version)
	return answer(c, http.StatusOK, preview, err)
}

func (s *Server) rollback(c echo.Context) error {
	var body client.RollbackBody
	if err := bind(c, &body); err != nil {
		return err
	}
	if err := rollbackVersion(body.Version); err != nil {
		return err
	}
	if body.Version != 0 {
		about(c, "to v"+strconv.Itoa(body.Version))
	}
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		return s.Releases.Rollback(ctx, c.Param("app"), body.Version, progress)
	})
}

// rollbackVersion refuses what can be neither a release to go back to nor 0, the default.
func rollbackVersion(n int) error {
	if n < 0 {
		return paas.Errorf(paas.Invalid, "%d is not the number of a release", n).WithHint("paas releases")
	}
	return nil
}
