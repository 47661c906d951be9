package web

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"paas"
)

func (s *Server) getConfig(c echo.Context) error {
	config, version, err := s.Configs.Config(c.Request().Context(), c.Param("app"))
	if config == nil {
		config = paas.Config{}
	}
	c.Response().Header().Set("ETag", etag(version))
	c.Response().Header().Set("Cache-Control", "no-store")
	return answer(c, http.StatusOK, config, err)
}

func (s *Server) setConfig(c echo.Context) error {
	ifMatch, err := parseIfMatch(c.Request().Header.Values("If-Match"))
	if err != nil {
		return err
	}
	var patch paas.ConfigPatch
	if err := bind(c, &patch); err != nil {
		return err
	}
	about(c, names(patch)...)
	if err := patch.Validate(); err != nil {
		return err
	}
	return s.long(c, func(ctx context.Context, progress io.Writer) (any, error) {
		change, err := s.Configs.SetConfig(ctx, c.Param("app"), patch, ifMatch, progress)
		change.Set, change.Removed = orEmpty(change.Set), orEmpty(change.Removed)
		return change, err
	})
}

// etag of a config version: "7", with the quotes.
func etag(version int) string { return strconv.Quote(strconv.Itoa(version)) }

// parseIfMatch reads the config version that a change was made from; -1 for any.
func parseIfMatch(values []string) (int, error) {
	if len(values) == 0 || len(values) == 1 && values[0] == "*" {
		return -1, nil
	}
	n, err := strconv.Atoi(strings.Trim(values[0], `"`))
	if len(values) > 1 || err != nil || n < 0 || values[0] != etag(n) {
		return 0, paas.Errorf(paas.Invalid, "the If-Match header is not a config version").WithHint(`send the ETag of GET …/config as it came, for example "7"`)
	}
	return n, nil
}
