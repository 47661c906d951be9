package client

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"paas"
)

// Config returns an app's config and its version, which SetConfig takes as ifMatch.
func (c *Client) Config(ctx context.Context, app string) (paas.Config, int, error) {
	path, err := appPath(app, "config")
	if err != nil {
		return nil, 0, err
	}
	config, header, err := callWithHeader[paas.Config](ctx, c, request{method: http.MethodGet, path: path})
	if err != nil {
		return nil, 0, err
	}
	version, err := strconv.Atoi(strings.Trim(header.Get("ETag"), `"`))
	if err != nil {
		return nil, 0, c.strange(err)
	}
	return config, version, nil
}

// SetConfig changes an app's config: nil values delete. ifMatch is the config version that the change was made from,
// < 0 for any; a stale one is paas.Stale.
func (c *Client) SetConfig(ctx context.Context, app string, patch paas.ConfigPatch, ifMatch int, progress io.Writer) (paas.ConfigChange, error) {
	path, err := appPath(app, "config")
	if err != nil {
		return paas.ConfigChange{}, err
	}
	if err := textOnly(patch); err != nil {
		return paas.ConfigChange{}, err
	}
	r := request{method: http.MethodPatch, path: path, body: patch, header: http.Header{}}
	if ifMatch >= 0 {
		r.header.Set("If-Match", strconv.Quote(strconv.Itoa(ifMatch)))
	}
	return long[paas.ConfigChange](ctx, c, r, progress)
}

// textOnly refuses values that JSON would silently change.
func textOnly(patch paas.ConfigPatch) error {
	for _, key := range slices.Sorted(maps.Keys(patch)) {
		if v := patch[key]; v != nil && !utf8.ValidString(*v) {
			return paas.Errorf(paas.Invalid, "the value of %s is not UTF-8 text", paas.Quote(key)).
				WithHint("encode it, for example with base64")
		}
	}
	return nil
}
