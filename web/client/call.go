package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"paas"
)

// maxAnswer bounds an answer that is read as a whole.
const maxAnswer = 64 << 20

// appPath is a path below an app: /v1/apps/hello/config. The name is checked here too, so that no name can be read as
// another path.
func appPath(app string, rest ...string) (string, error) {
	if err := paas.ValidateAppName(app); err != nil {
		return "", err
	}
	path := "/v1/apps/" + app
	for _, part := range rest {
		path += "/" + url.PathEscape(part)
	}
	return path, nil
}

// request is one call of the API.
type request struct {
	method string
	path   string
	body   any       // JSON; nil for none
	raw    []byte    // instead of that, with its Content-Type in header
	stream io.Reader // instead of both
	header http.Header
}

// send makes the request and returns the answer if it is a success; its body is the caller's to close.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	if r.raw != nil {
		body = bytes.NewReader(r.raw)
	}
	if r.stream != nil {
		body = io.NopCloser(r.stream)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	c.authorize(req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.lost(ctx, err)
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, c.failure(resp)
	}
	return resp, nil
}

func (c *Client) authorize(h http.Header) {
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
}

// failure reads the error out of an answer.
func (c *Client) failure(resp *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var f Failure
	if err == nil && json.Unmarshal(data, &f) == nil && f.Error.Message != "" {
		return f.Error.Err()
	}
	return paas.Errorf(strangersCode(resp.StatusCode), "%s answered %s, and not as paasd does", c.where, resp.Status).
		WithHint("check PAAS_URL")
}

// lost says what a broken connection means to a person.
func (c *Client) lost(ctx context.Context, err error) error {
	if known, ok := errors.AsType[*paas.Error](err); ok {
		return known
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return paas.Errorf(paas.Canceled, "canceled").Because(ctx.Err())
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return paas.Errorf(paas.Unavailable, "paasd at %s cannot be reached: %w", c.where, err).
		WithHint("check that paasd runs there, and PAAS_URL")
}

// call makes a request whose answer is a T, or is empty.
func call[T any](ctx context.Context, c *Client, r request) (T, error) {
	v, _, err := callWithHeader[T](ctx, c, r)
	return v, err
}

func callWithHeader[T any](ctx context.Context, c *Client, r request) (v T, h http.Header, err error) {
	resp, err := c.send(ctx, r)
	if err != nil {
		return v, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return v, nil, c.lost(ctx, err)
	}
	if len(data) == 0 {
		return v, resp.Header, nil
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, nil, c.strange(err)
	}
	return v, resp.Header, nil
}

func (c *Client) strange(err error) error {
	return paas.Errorf(paas.Unavailable, "the answer of %s cannot be read: %w", c.where, err).
		WithHint("check PAAS_URL, and that paas and paasd have the same version: paas version")
}

// get is call for reads below an app.
func get[T any](ctx context.Context, c *Client, app string, rest ...string) (v T, err error) {
	path, err := appPath(app, rest...)
	if err != nil {
		return v, err
	}
	return call[T](ctx, c, request{method: http.MethodGet, path: path})
}

// write is call for writes below an app.
func write[T any](ctx context.Context, c *Client, method string, body any, app string, rest ...string) (v T, err error) {
	path, err := appPath(app, rest...)
	if err != nil {
		return v, err
	}
	return call[T](ctx, c, request{method: method, path: path, body: body})
}

// long makes a long write: its progress goes to progress line by line, its result is the answer.
func long[T any](ctx context.Context, c *Client, r request, progress io.Writer) (v T, err error) {
	if progress == nil {
		progress = io.Discard
	}
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header.Set("Accept", MediaNDJSON)
	resp, err := c.send(ctx, r)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != MediaNDJSON {
		return v, c.strange(fmt.Errorf("it is %s", strconv.Quote(kind)))
	}
	result, err := c.follow(ctx, resp.Body, progress)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(result, &v); err != nil {
		return v, c.strange(err)
	}
	return v, nil
}

// follow reads events until the result or the error.
func (c *Client) follow(ctx context.Context, body io.Reader, progress io.Writer) (json.RawMessage, error) {
	events := json.NewDecoder(body)
	for {
		var e Event
		if err := events.Decode(&e); err != nil {
			return nil, c.interrupted(ctx, err)
		}
		switch {
		case e.Error != nil:
			return nil, e.Error.Err()
		case e.Result != nil:
			return e.Result, nil
		case e.Progress != nil:
			// What cannot be shown must not end the operation: the write's error is the caller's own affair.
			_, _ = io.WriteString(progress, *e.Progress+"\n")
		}
	}
}

// interrupted: the connection broke while the operation was under way, and it goes on without us.
func (c *Client) interrupted(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return paas.Errorf(paas.Canceled, "canceled; what was begun goes on in paasd").Because(ctx.Err()).
			WithHint("paas ps, paas releases")
	}
	return paas.Errorf(paas.Unavailable, "the connection to %s was lost; what was begun goes on there: %w", c.where, err).
		WithHint("paas ps, paas releases")
}

// longApp is long below an app.
func longApp[T any](ctx context.Context, c *Client, method string, body any, progress io.Writer, app string, rest ...string) (v T, err error) {
	path, err := appPath(app, rest...)
	if err != nil {
		return v, err
	}
	return long[T](ctx, c, request{method: method, path: path, body: body}, progress)
}
