package client

import (
	"context"
	"io"
	"net/http"

	"paas"
)

// Collect frees what the installation no longer needs, or with dryRun says what that would be.
func (c *Client) Collect(ctx context.Context, dryRun bool, progress io.Writer) (paas.Collection, error) {
	return long[paas.Collection](ctx, c, request{method: http.MethodPost, path: "/v1/gc", body: CollectBody{DryRun: dryRun}}, progress)
}
