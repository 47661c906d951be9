package client

import (
	"context"
	"net/http"

	"paas"
)

// SettingsChange is the answer to a change of settings that makes no release.
type SettingsChange struct {
	Changed []string `json:"changed"` // the names of the settings that have another value now
}

// Routes is the routing table as the router has it: an app's part of it, or, for "", all.
func (c *Client) Routes(ctx context.Context, app string) (paas.RouteTable, error) {
	if app == "" {
		return call[paas.RouteTable](ctx, c, request{method: http.MethodGet, path: "/v1/routes"})
	}
	return get[paas.RouteTable](ctx, c, app, "routes")
}

// Routing lists how the router treats the requests to an app.
func (c *Client) Routing(ctx context.Context, app string) ([]paas.RoutingSetting, error) {
	return get[[]paas.RoutingSetting](ctx, c, app, "routing")
}

// SetRouting changes that and returns the names of the settings that changed; nil values are the defaults again.
func (c *Client) SetRouting(ctx context.Context, app string, patch paas.RoutingPatch) ([]string, error) {
	change, err := write[SettingsChange](ctx, c, http.MethodPatch, patch, app, "routing")
	return change.Changed, err
}

// SetMaintenance makes the router answer for an app, or not.
func (c *Client) SetMaintenance(ctx context.Context, app string, on bool) (paas.AppInfo, error) {
	return c.gate(ctx, app, "maintenance", on)
}

// SetPaused makes the router hold the requests to an app, or let them go.
func (c *Client) SetPaused(ctx context.Context, app string, paused bool) (paas.AppInfo, error) {
	return c.gate(ctx, app, "pause", paused)
}

func (c *Client) gate(ctx context.Context, app, what string, on bool) (paas.AppInfo, error) {
	method := http.MethodDelete
	if on {
		method = http.MethodPut
	}
	return write[paas.AppInfo](ctx, c, method, nil, app, what)
}
