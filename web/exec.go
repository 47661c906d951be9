package web

import (
	"context"
	"errors"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

// exec runs a command inside an instance, connected to a websocket. The client says in its first message which.
func (s *Server) exec(c echo.Context) error {
	app, instance := c.Param("app"), c.Param("instance")
	return s.attach(c, "paas ps:exec", func(a *attached) (int, error) {
		req, err := a.execRequest()
		if err != nil {
			return 0, err
		}
		return s.Processes.Exec(a.ctx, app, instance, req, a.stdio())
	})
}

// execRequest reads the client's first message. Where none comes in time the connection is over.
func (a *attached) execRequest() (paas.ExecRequest, error) {
	var req paas.ExecRequest
	ctx, cancel := context.WithTimeout(a.ctx, bodyTimeout)
	defer cancel()
	msg, err := client.ReadMessage(ctx, a.ws, make([]byte, 1+client.AttachChunk+1024))
	switch {
	case err != nil:
		return req, paas.Errorf(paas.Canceled, "the command did not arrive: %w", err)
	case client.Channel(msg[0]) != client.ChannelExec:
		return req, badBody(errors.New("the first message is not a command"))
	}
	return req, decode(msg[1:], &req)
}
