package client

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"paas"
)

// Builds lists an app's builds, newest first.
func (c *Client) Builds(ctx context.Context, app string) ([]paas.BuildInfo, error) {
	return get[[]paas.BuildInfo](ctx, c, app, "builds")
}

// Build returns one build.
func (c *Client) Build(ctx context.Context, app string, id int) (paas.BuildInfo, error) {
	return get[paas.BuildInfo](ctx, c, app, "builds", strconv.Itoa(id))
}

// BuildLog writes a build's log to w, and follows it while the build runs. Colours are for terminals only.
func (c *Client) BuildLog(ctx context.Context, app string, id int, colours bool, w io.Writer) error {
	path, err := appPath(app, "builds", strconv.Itoa(id), "log")
	if err != nil {
		return err
	}
	if colours {
		path += "?colours=true"
	}
	resp, err := c.send(ctx, request{method: http.MethodGet, path: path})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	from := &reader{r: resp.Body}
	if _, err = io.Copy(w, from); err != nil && from.err != nil {
		return c.lost(ctx, err)
	}
	return err
}

// reader tells errors of reading from those of writing in a copy.
type reader struct {
	r   io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// CancelBuild ends a build that has not ended.
func (c *Client) CancelBuild(ctx context.Context, app string, id int) (paas.BuildInfo, error) {
	return write[paas.BuildInfo](ctx, c, http.MethodPost, nil, app, "builds", strconv.Itoa(id), "cancel")
}
