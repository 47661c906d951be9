package client

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"paas"
)

// Releases lists an app's releases, newest first.
func (c *Client) Releases(ctx context.Context, app string) ([]paas.ReleaseInfo, error) {
	return get[[]paas.ReleaseInfo](ctx, c, app, "releases")
}

// Release returns one release in full.
func (c *Client) Release(ctx context.Context, app string, version int) (paas.ReleaseDetail, error) {
	return get[paas.ReleaseDetail](ctx, c, app, "releases", strconv.Itoa(version))
}

// VerifyReleases walks the hash chain of an app's releases.
func (c *Client) VerifyReleases(ctx context.Context, app string) (paas.LedgerCheck, error) {
	return get[paas.LedgerCheck](ctx, c, app, "ledger", "check")
}

// PreviewRollback says what Rollback to the same release would do.
func (c *Client) PreviewRollback(ctx context.Context, app string, to int) (paas.RollbackPreview, error) {
	path, err := appPath(app, "rollback")
	if err != nil {
		return paas.RollbackPreview{}, err
	}
	return call[paas.RollbackPreview](ctx, c, request{method: http.MethodGet, path: path + "?version=" + strconv.Itoa(to)})
}

// Rollback makes a new release of an older one; to 0 is the newest succeeded one before the current.
func (c *Client) Rollback(ctx context.Context, app string, to int, progress io.Writer) (paas.ReleaseInfo, error) {
	return longApp[paas.ReleaseInfo](ctx, c, http.MethodPost, RollbackBody{Version: to}, progress, app, "rollback")
}
