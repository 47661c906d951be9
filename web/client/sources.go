package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"paas"
)

// Upload makes a commit of the app's repository of a tar, gzipped or not.
func (c *Client) Upload(ctx context.Context, app string, src io.Reader) (paas.Upload, error) {
	path, err := appPath(app, "sources")
	if err != nil {
		return paas.Upload{}, err
	}
	return call[paas.Upload](ctx, c, request{method: http.MethodPost, path: path, stream: src, header: http.Header{"Content-Type": {"application/x-tar"}}})
}

// CreateBuild builds a commit of the app's repository, and deploys it.
func (c *Client) CreateBuild(ctx context.Context, app string, req paas.BuildRequest, progress io.Writer) (paas.BuildResult, error) {
	path, err := appPath(app, "builds")
	if err != nil {
		return paas.BuildResult{}, err
	}
	return long[paas.BuildResult](ctx, c, request{method: http.MethodPost, path: path, body: req}, progress)
}

// BuildPlan says how a commit would be built; "" is that of the newest build.
func (c *Client) BuildPlan(ctx context.Context, app, commit string) (paas.BuildPlan, error) {
	path, err := appPath(app, "build", "plan")
	if err != nil {
		return paas.BuildPlan{}, err
	}
	return call[paas.BuildPlan](ctx, c, request{method: http.MethodGet, path: path + "?" + url.Values{"commit": {commit}}.Encode()})
}

// BuildSettings lists how the app's source becomes an image.
func (c *Client) BuildSettings(ctx context.Context, app string) ([]paas.BuildSetting, error) {
	return get[[]paas.BuildSetting](ctx, c, app, "build")
}

// SetBuildSettings changes that and returns the names of the settings that changed; nil values are the defaults again.
func (c *Client) SetBuildSettings(ctx context.Context, app string, patch paas.BuildPatch) ([]string, error) {
	change, err := write[SettingsChange](ctx, c, http.MethodPatch, patch, app, "build")
	return change.Changed, err
}

// BuildSecrets lists the app's build secrets, without their values.
func (c *Client) BuildSecrets(ctx context.Context, app string) ([]paas.BuildSecret, error) {
	return get[[]paas.BuildSecret](ctx, c, app, "build", "secrets")
}

// SetBuildSecrets sets those of the patch, and removes those that are nil in it.
func (c *Client) SetBuildSecrets(ctx context.Context, app string, patch paas.BuildSecretsPatch) ([]paas.BuildSecret, error) {
	return write[[]paas.BuildSecret](ctx, c, http.MethodPatch, patch, app, "build", "secrets")
}
