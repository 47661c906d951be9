package web

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

func (s *Server) getInstances(c echo.Context) error {
	ps, err := s.Processes.Processes(c.Request().Context(), c.Param("app"))
	return answer(c, http.StatusOK, withLists(ps), err)
}

func (s *Server) getFormation(c echo.Context) error {
	ps, err := s.Processes.Processes(c.Request().Context(), c.Param("app"))
	return list(c, ps.Formation, err)
}

func (s *Server) scale(c echo.Context) error {
	var change paas.Formation
	if err := bind(c, &change); err != nil {
		return err
	}
	about(c, pairs(change)...)
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		ps, err := s.Processes.Scale(ctx, c.Param("app"), change, progress)
		return withLists(ps), err
	})
}

func (s *Server) resize(c echo.Context) error {
	var change paas.Sizes
	if err := bind(c, &change); err != nil {
		return err
	}
	about(c, pairs(change)...)
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		ps, err := s.Processes.Resize(ctx, c.Param("app"), change, progress)
		return withLists(ps), err
	})
}

// pairs are a change of the formation as people type it: web=2.
func pairs[V any](change map[string]V) []string {
	all := make([]string, 0, len(change))
	for _, typ := range slices.Sorted(maps.Keys(change)) {
		all = append(all, fmt.Sprintf("%s=%v", typ, change[typ]))
	}
	return all
}

func (s *Server) restart(c echo.Context) error {
	target, err := boundTarget(c)
	if err != nil {
		return err
	}
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		ps, err := s.Processes.Restart(ctx, c.Param("app"), target, progress)
		return withLists(ps), err
	})
}

func (s *Server) stop(c echo.Context) error {
	target, err := boundTarget(c)
	if err != nil {
		return err
	}
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		ps, err := s.Processes.Stop(ctx, c.Param("app"), target, progress)
		return withLists(ps), err
	})
}

// boundTarget reads what a restart or stop is of: "", a type or an instance.
func boundTarget(c echo.Context) (string, error) {
	var body client.TargetBody
	if err := bind(c, &body); err != nil {
		return "", err
	}
	if _, _, slot := paas.ParseInstanceName(body.Target); body.Target != "" && !slot && !paas.ValidProcessType(body.Target) {
		return "", paas.Errorf(paas.Invalid, "%s is neither a process type nor an instance", paas.Quote(body.Target)).
			WithHint("for example web, or web.1: paas ps")
	}
	about(c, body.Target)
	return body.Target, nil
}

// withLists has [] where ps has nil.
func withLists(ps paas.Processes) paas.Processes {
	ps.Formation, ps.Instances, ps.Queue = orEmpty(ps.Formation), orEmpty(ps.Instances), orEmpty(ps.Queue)
	return ps
}
