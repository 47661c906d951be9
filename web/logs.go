package web

import (
	"io"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

// getLogs streams lines: as text, or as JSON where the client asks for that.
func (s *Server) getLogs(c echo.Context) error {
	q, err := logQuery(c)
	if err != nil {
		return err
	}
	kind, write := echo.MIMETextPlainCharsetUTF8, writeText
	if wantsNDJSON(c.Request()) {
		kind, write = client.MediaNDJSON, writeJSON
	}
	out := newFlow(c, kind)
	err = s.Logs.Logs(c.Request().Context(), c.Param("app"), q, func(l paas.LogLine) error { return write(out, l) })
	err = out.end(err)
	if err == nil || !c.Response().Committed {
		return err
	}
	fault := s.fault(c, err)
	if kind == client.MediaNDJSON {
		return encode(c.Response(), client.Failure{Error: fault})
	}
	return breakOff(c)
}

func writeText(w io.Writer, l paas.LogLine) error {
	_, err := io.WriteString(w, l.String()+"\n")
	return err
}

func writeJSON(w io.Writer, l paas.LogLine) error { return encode(w, l) }

// logQuery reads the parameters that client.LogValues writes.
func logQuery(c echo.Context) (q paas.LogQuery, err error) {
	q.Source, q.Process = paas.LogSource(c.QueryParam("source")), c.QueryParam("process")
	switch q.Source {
	case "", paas.LogApp, paas.LogRouter, paas.LogPaas:
	default:
		return q, badParam("source", "app, router or paas")
	}
	if v := c.QueryParam("lines"); v != "" {
		if q.Lines, err = strconv.Atoi(v); err != nil || q.Lines < 0 {
			return q, badParam("lines", "a number of lines")
		}
	}
	if v := c.QueryParam("since"); v != "" {
		if q.Since, err = time.Parse(time.RFC3339Nano, v); err != nil {
			return q, badParam("since", "a time such as 2026-11-23T06:36:01Z")
		}
	}
	q.Follow, err = flag(c, "follow")
	return q, err
}

// flag is a parameter that is true or false, and false where it is not there.
func flag(c echo.Context, name string) (bool, error) {
	v := c.QueryParam(name)
	if v == "" {
		return false, nil
	}
	is, err := strconv.ParseBool(v)
	if err != nil {
		return false, badParam(name, "true or false")
	}
	return is, nil
}

func badParam(name, want string) error {
	return paas.Errorf(paas.Invalid, "the parameter %s is not %s", name, want).WithHint("see web/openapi.yaml")
}
