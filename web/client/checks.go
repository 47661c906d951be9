package client

import (
	"context"
	"io"
	"net/http"

	"paas"
)

// Checks lists the settings of an app's checks that are in force, and who says so.
func (c *Client) Checks(ctx context.Context, app string) ([]paas.CheckSetting, error) {
	return get[[]paas.CheckSetting](ctx, c, app, "checks")
}

// SetChecks changes an app's checks: nil values make a setting what it is by default.
func (c *Client) SetChecks(ctx context.Context, app string, patch paas.ChecksPatch, progress io.Writer) (paas.ChecksChange, error) {
	return longApp[paas.ChecksChange](ctx, c, http.MethodPatch, patch, progress, app, "checks")
}
