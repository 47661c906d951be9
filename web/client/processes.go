package client

import (
	"context"
	"io"
	"net/http"

	"paas"
)

// Processes is the formation of an app and its instances.
func (c *Client) Processes(ctx context.Context, app string) (paas.Processes, error) {
	return get[paas.Processes](ctx, c, app, "instances")
}

// Scale changes the quantities of the types that change names.
func (c *Client) Scale(ctx context.Context, app string, change paas.Formation, progress io.Writer) (paas.Processes, error) {
	return longApp[paas.Processes](ctx, c, http.MethodPatch, change, progress, app, "formation")
}

// Resize changes the sizes of the types that change names; the zero size is the platform's default.
func (c *Client) Resize(ctx context.Context, app string, change paas.Sizes, progress io.Writer) (paas.Processes, error) {
	return longApp[paas.Processes](ctx, c, http.MethodPatch, change, progress, app, "sizes")
}

// Restart replaces the instances of a target: a type, an instance, or "" for all.
func (c *Client) Restart(ctx context.Context, app, target string, progress io.Writer) (paas.Processes, error) {
	return longApp[paas.Processes](ctx, c, http.MethodPost, TargetBody{Target: target}, progress, app, "restart")
}

// Stop takes down the instances of a target.
func (c *Client) Stop(ctx context.Context, app, target string, progress io.Writer) (paas.Processes, error) {
	return longApp[paas.Processes](ctx, c, http.MethodPost, TargetBody{Target: target}, progress, app, "stop")
}
