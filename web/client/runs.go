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
	if err := checkText(req.Command, req.Env); err != nil {
		return paas.RunInfo{}, err
	}
	return write[paas.RunInfo](ctx, c, http.MethodPost, req, app, "runs")
}

// checkText refuses what JSON would change on its way.
func checkText(command []string, env map[string]string) error {
	for _, word := range command {
		if !utf8.ValidString(word) {
			return paas.Errorf(paas.Invalid, "the argument %s is not UTF-8 text", paas.Quote(word)).
				WithHint("pass such bytes on the standard input")
		}
	}
	for key, value := range env {
		if !utf8.ValidString(value) {
			return paas.Errorf(paas.Invalid, "the value of %s is not UTF-8 text", paas.Quote(key)).
				WithHint("encode it, for example with base64")
		}
	}
	return nil
}

// Runs lists an app's newest one-offs, at most limit, newest first.
func (c *Client) Runs(ctx context.Context, app string, limit int) ([]paas.RunInfo, error) {
	path, err := appPath(app, "runs")
	if err != nil {
		return nil, err
	}
	return call[[]paas.RunInfo](ctx, c, request{method: http.MethodGet, path: path + "?limit=" + strconv.Itoa(limit)})
}

// Run returns one one-off.
func (c *Client) Run(ctx context.Context, app string, id int) (paas.RunInfo, error) {
	return get[paas.RunInfo](ctx, c, app, "runs", strconv.Itoa(id))
}

// StopRun ends a one-off.
func (c *Client) StopRun(ctx context.Context, app string, id int) (paas.RunInfo, error) {
	return write[paas.RunInfo](ctx, c, http.MethodPost, nil, app, "runs", strconv.Itoa(id), "stop")
}
