package client

import (
	"context"
	"io"
	"net/http"

	"paas"
)

// Apps lists the apps by name.
func (c *Client) Apps(ctx context.Context) ([]paas.AppInfo, error) {
	return call[[]paas.AppInfo](ctx, c, request{method: http.MethodGet, path: "/v1/apps"})
}

// App returns one app.
func (c *Client) App(ctx context.Context, app string) (paas.AppInfo, error) {
	return get[paas.AppInfo](ctx, c, app)
}

// CreateApp makes an app. It is paas.Conflict when the name is taken.
func (c *Client) CreateApp(ctx context.Context, app string) (paas.AppInfo, error) {
	return call[paas.AppInfo](ctx, c, request{method: http.MethodPost, path: "/v1/apps", body: NameBody{Name: app}})
}

// RenameApp gives an app another name, and with it another default host and git URL.
func (c *Client) RenameApp(ctx context.Context, app, to string, progress io.Writer) (paas.AppInfo, error) {
	return longApp[paas.AppInfo](ctx, c, http.MethodPatch, NameBody{Name: to}, progress, app)
}

// DestroyApp removes an app with everything that belongs to it.
func (c *Client) DestroyApp(ctx context.Context, app string, progress io.Writer) error {
	_, err := longApp[struct{}](ctx, c, http.MethodDelete, nil, progress, app)
	return err
}

// Version is the version of the paasd at the other end.
func (c *Client) Version(ctx context.Context) (string, error) {
	v, err := call[VersionInfo](ctx, c, request{method: http.MethodGet, path: "/v1/version"})
	return v.Version, err
}
