package web

import (
	"context"
	"io"

	"github.com/labstack/echo/v4"

	"paas/web/client"
)

// collect is not of one app: whoever may come in may ask for it, as it takes nothing that anybody could want back.
func (s *Server) collect(c echo.Context) error {
	var body client.CollectBody
	if err := bind(c, &body); err != nil {
		return err
	}
	if body.DryRun {
		about(c, "dry run")
	}
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		found, err := s.Garbage.Collect(ctx, body.DryRun, progress)
		found.Freed, found.Kept = orEmpty(found.Freed), orEmpty(found.Kept)
		return found, err
	})
}
