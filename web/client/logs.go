package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"paas"
)

// Logs calls fn for each line of an app's log that q selects, in order; with q.Follow until ctx ends. An error of fn
// ends it and is returned.
func (c *Client) Logs(ctx context.Context, app string, q paas.LogQuery, fn func(paas.LogLine) error) error {
	path, err := appPath(app, "logs")
	if err != nil {
		return err
	}
	r := request{method: http.MethodGet, path: path + "?" + LogValues(q).Encode(), header: http.Header{}}
	r.header.Set("Accept", MediaNDJSON)
	resp, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := json.NewDecoder(resp.Body)
	for {
		var l logRecord
		if err := lines.Decode(&l); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return c.lost(ctx, err)
		}
		if l.Error != nil {
			return l.Error.Err()
		}
		if err := fn(l.LogLine); err != nil {
			return err
		}
	}
}

// logRecord is a line, or the error that ended the stream.
type logRecord struct {
	paas.LogLine
	Error *Fault `json:"error"`
}

// LogValues writes a query as the parameters of /logs.
func LogValues(q paas.LogQuery) url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	if q.Lines != 0 {
		set("lines", strconv.Itoa(q.Lines))
	}
	set("source", string(q.Source))
	set("process", q.Process)
	if !q.Since.IsZero() {
		set("since", q.Since.Format(time.RFC3339Nano))
	}
	if q.Follow {
		set("follow", "true")
	}
	return v
}
