package web

import (
	"context"
	"io"

	"github.com/labstack/echo/v4"

	"paas/web/client"
)

// preReceive is the call back of git's hook. It ends with its client: a pusher that hangs up takes the hook along.
func (s *Server) preReceive(c echo.Context) error {
	var body client.PushBody
	if err := bind(c, &body); err != nil {
		return err
	}
	push := c.Request().Header.Get(client.HeaderPush)
	return s.stream(c.Request().Context(), c, func(ctx context.Context, progress io.Writer) (any, error) {
		return struct{}{}, s.Git.PreReceive(ctx, push, body.Updates, body.Env, body.Options, progress)
	})
}
