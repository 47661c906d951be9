package client

import (
	"context"
	"net/http"

	"paas"
)

// MediaHTML is the type of a page.
const MediaHTML = "text/html; charset=utf-8"

// Pages lists the error pages of an app's own.
func (c *Client) Pages(ctx context.Context, app string) ([]paas.PageInfo, error) {
	return get[[]paas.PageInfo](ctx, c, app, "pages")
}

// SetPage gives an app a page of its own.
func (c *Client) SetPage(ctx context.Context, app string, name paas.PageName, html string) (paas.PageInfo, error) {
	path, err := appPath(app, "pages", string(name))
	if err != nil {
		return paas.PageInfo{}, err
	}
	return call[paas.PageInfo](ctx, c, request{
		method: http.MethodPut, path: path, raw: []byte(html), header: http.Header{"Content-Type": {MediaHTML}},
	})
}

// RemovePage lets the router's own page stand in again.
func (c *Client) RemovePage(ctx context.Context, app string, name paas.PageName) error {
	_, err := write[struct{}](ctx, c, http.MethodDelete, nil, app, "pages", string(name))
	return err
}
