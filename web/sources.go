package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"paas"
)

// upload takes a source of any size; how much is too much, the service says. It ends with its client.
func (s *Server) upload(c echo.Context) error {
	conn := http.NewResponseController(c.Response())
	src := &arriving{r: c.Request().Body, conn: conn}
	up, err := s.Builds.Upload(c.Request().Context(), c.Param("app"), src)
	if err == nil {
		err = deadline(conn.SetReadDeadline, time.Time{})
	}
	if src.err != nil {
		err = paas.Errorf(paas.Canceled, "the source did not arrive: %w", src.err)
	}
	return answer(c, http.StatusCreated, up, err)
}

// arriving is the body of a request that may take its time, but not stop for bodyTimeout.
type arriving struct {
	r    io.Reader
	conn *http.ResponseController
	err  error // of the reading
}

func (a *arriving) Read(p []byte) (int, error) {
	if err := deadline(a.conn.SetReadDeadline, time.Now().Add(bodyTimeout)); err != nil {
		return 0, err
	}
	n, err := a.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		a.err = err
	}
	return n, err
}

// createBuild ends with its client, as a push does, unless it is to go on by itself.
func (s *Server) createBuild(c echo.Context) error {
	var req paas.BuildRequest
	if err := bind(c, &req); err != nil {
		return err
	}
	about(c, req.Commit+req.Image) // one of them is empty
	return s.stream(c.Request().Context(), c, func(ctx context.Context, progress io.Writer) (any, error) {
		return s.Builds.CreateBuild(ctx, c.Param("app"), req, progress)
	})
}

func (s *Server) getBuildPlan(c echo.Context) error {
	p, err := s.Builds.BuildPlan(c.Request().Context(), c.Param("app"), c.QueryParam("commit"))
	p.Ignore, p.Notes = orEmpty(p.Ignore), orEmpty(p.Notes)
	return answer(c, http.StatusOK, p, err)
}
