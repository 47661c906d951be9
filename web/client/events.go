package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"paas"
)

// Events returns what q selects of what happened and what was asked for, newest first.
func (c *Client) Events(ctx context.Context, q paas.EventQuery) ([]paas.EventInfo, error) {
	path := "/v1/events"
	if q.App != "" {
		var err error
		if path, err = appPath(q.App, "events"); err != nil {
			return nil, err
		}
	}
	v := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	if q.Changes {
		v.Set("changes", "true")
	}
	return call[[]paas.EventInfo](ctx, c, request{method: http.MethodGet, path: path + "?" + v.Encode()})
}
