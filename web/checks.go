package web

import (
	"context"
	"io"

	"github.com/labstack/echo/v4"

	"paas"
)

func (s *Server) getChecks(c echo.Context) error {
	settings, err := s.Checks.Checks(c.Request().Context(), c.Param("app"))
	return list(c, settings, err)
}

func (s *Server) setChecks(c echo.Context) error {
	var patch paas.ChecksPatch
	if err := bind(c, &patch); err != nil {
		return err
	}
	about(c, names(patch)...)
	if err := patch.Validate(); err != nil {
		return err
	}
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		change, err := s.Checks.SetChecks(ctx, c.Param("app"), patch, progress)
		change.Set, change.Removed = orEmpty(change.Set), orEmpty(change.Removed)
		return change, err
	})
}
