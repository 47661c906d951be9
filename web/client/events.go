package client

import (
	"context"
	"net/http"
	"strconv"

	"paas"
)

// Events returns the newest events of an app, at most limit, newest first.
func (c *Client) Events(ctx context.Context, app string, limit int) ([]paas.EventInfo, error) {
	path, err := appPath(app, "events")
	if err != nil {
		return nil, err
	}
	return call[[]paas.EventInfo](ctx, c, request{method: http.MethodGet, path: path + "?limit=" + strconv.Itoa(limit)})
}
