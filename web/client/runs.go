package client

import (
	"context"
	"net/http"
	"strconv"
	"unicode/utf8"

	"paas"
)

// CreateRun records a one-off; a detached one starts, another waits for AttachRun.
func (c *Client) CreateRun(ctx context.Context, app string, req paas.RunRequest) (paas.RunInfo, error) {
	for _, word := range req.Command {
		if !utf8.ValidString(word) {
			return paas.RunInfo{}, paas.Errorf(paas.Invalid, "the argument %s is not UTF-8 text", paas.Quote(word)).
				WithHint("pass such bytes on the standard input")
		}
	}
	for key, value := range req.Env {
		if !utf8.ValidString(value) {
			return paas.RunInfo{}, paas.Errorf(paas.Invalid, "the value of %s is not UTF-8 text", paas.Quote(key)).
				WithHint("encode it, for example with base64")
		}
	}
	return write[paas.RunInfo](ctx, c, http.MethodPost, req, app, "runs")
}

// Runs lists an app's one-offs, newest first.
func (c *Client) Runs(ctx context.Context, app string) ([]paas.RunInfo, error) {
	return get[[]paas.RunInfo](ctx, c, app, "runs")
}

// Run returns one one-off.
func (c *Client) Run(ctx context.Context, app string, id int) (paas.RunInfo, error) {
	return get[paas.RunInfo](ctx, c, app, "runs", strconv.Itoa(id))
}

// StopRun ends a one-off.
func (c *Client) StopRun(ctx context.Context, app string, id int) (paas.RunInfo, error) {
	return write[paas.RunInfo](ctx, c, http.MethodPost, nil, app, "runs", strconv.Itoa(id), "stop")
}
