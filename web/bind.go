package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"paas"
)

const (
	maxBody = 1 << 20
	// bodyTimeout is less than writeTimeout, since the answer to a request that is refused waits for its body.
	bodyTimeout = 20 * time.Second
)

// bind reads the body as exactly one JSON value of v's form.
func bind(c echo.Context, v any) error {
	data, err := body(c)
	if err != nil {
		return err
	}
	return decode(data, v)
}

// decode reads what a client sent as exactly one JSON value of v's form.
func decode(data []byte, v any) error {
	if !utf8.Valid(data) {
		return paas.Errorf(paas.Invalid, "the body is not UTF-8 text").WithHint("encode other bytes, for example with base64")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return badBody(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return paas.Errorf(paas.Invalid, "the body has more than one JSON value").WithHint("see web/openapi.yaml")
	}
	return nil
}

func badBody(err error) error {
	reason := strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, io.EOF) {
		reason = "it is empty"
	}
	return paas.Errorf(paas.Invalid, "the body is not the JSON this takes: %s", reason).Because(err).WithHint("see web/openapi.yaml")
}

// body reads a bounded body; how long that may take, timeLimits has said.
func body(c echo.Context) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, paas.Errorf(paas.Invalid, "the body is more than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return nil, paas.Errorf(paas.Canceled, "the body did not arrive: %w", err)
	}
	return data, deadline(http.NewResponseController(c.Response()).SetReadDeadline, time.Time{})
}

// number reads a parameter of the path that counts from 1; what it counts is for the message.
func number(c echo.Context, param, what string) (int, error) {
	n, err := strconv.Atoi(c.Param(param))
	if err != nil || n < 1 {
		return 0, paas.Errorf(paas.Invalid, "%s is not the number of a %s", paas.Quote(c.Param(param)), what)
	}
	return n, nil
}

// answer renders v for a client that reads it in time, or passes err on.
func answer(c echo.Context, status int, v any, err error) error {
	if err != nil {
		return err
	}
	if err := inTime(http.NewResponseController(c.Response())); err != nil {
		return err
	}
	return c.JSON(status, v)
}

// list renders a list that may be nil.
func list[T any](c echo.Context, items []T, err error) error {
	return answer(c, http.StatusOK, orEmpty(items), err)
}

// orEmpty is [] in JSON where items would be null.
func orEmpty[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
