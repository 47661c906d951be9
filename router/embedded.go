package router

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"paas"
)

// SocketFile is the name of the embedded router's control socket in its directory.
const SocketFile = "router.sock"

const (
	putTimeout  = 5 * time.Second // one attempt; a table of 1,000 apps takes some milliseconds
	drainMargin = 5 * time.Second
	maxAnswer   = MaxTableBytes
)

// Embedded is the router of this program, reached on its control socket.
type Embedded struct {
	client *http.Client
}

// NewEmbedded returns the target whose directory (table, socket) is dir. It connects at each call, so the router may
// come and go.
func NewEmbedded(dir string) *Embedded { return NewEmbeddedAt(filepath.Join(dir, SocketFile)) }

// NewEmbeddedAt is NewEmbedded for a control socket of another name.
func NewEmbeddedAt(socket string) *Embedded {
	return &Embedded{client: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // a kept connection would have to be told from a restarted router's
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}}
}

// The bodies of the control socket.
type (
	// PutAnswer answers PUT /table.
	PutAnswer struct {
		Version  uint64    `json:"version"` // live now
		Problems []Problem `json:"problems"`
	}
	// DrainRequest is the body of POST /drain.
	DrainRequest struct {
		Addrs      []netip.AddrPort `json:"addrs"`
		DeadlineMS int64            `json:"deadline_ms"`
	}
	// DrainAnswer answers it.
	DrainAnswer struct {
		Cut int `json:"cut"`
	}
	// Health answers GET /healthz.
	Health struct {
		Name      string    `json:"name,omitempty"` // as it was started with
		Version   uint64    `json:"version"`
		StartedAt time.Time `json:"started_at"`
		Listeners []string  `json:"listeners"` // the addresses of those for requests, as they were given
	}
	// CertsAnswer answers GET /certs?app=ID.
	CertsAnswer struct {
		On    bool        `json:"on"` // the router takes TLS
		Hosts []CertState `json:"hosts"`
	}
	// CertState is how it stands with the certificate for one host of the app that the router obtains.
	CertState struct {
		Host       string    `json:"host"`
		Issuer     string    `json:"issuer,omitempty"`
		Expires    time.Time `json:"expires,omitzero"` // zero: there is none
		Error      string    `json:"error,omitempty"`  // of the last attempt to obtain it
		ErrorAt    time.Time `json:"error_at,omitzero"`
		NextTry    time.Time `json:"next_try,omitzero"`    // not before, and not before somebody asks
		Impossible bool      `json:"impossible,omitempty"` // the authority cannot be asked for it
	}
	// Failure is the body of every answer that is not a success.
	Failure struct {
		Error struct {
			Code    paas.Code `json:"code"`
			Message string    `json:"message"`
			Hint    string    `json:"hint"`
			ID      string    `json:"request_id"`
		} `json:"error"`
		Version uint64 `json:"version,omitempty"` // live, where a table was refused as stale
	}
)

// Put implements Target.
func (e *Embedded) Put(ctx context.Context, t Table) ([]Problem, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	var answer PutAnswer
	if err := e.call(ctx, http.MethodPut, "/table", t, &answer); err != nil {
		return nil, err
	}
	if answer.Version != t.Version {
		return nil, &StaleError{Live: answer.Version}
	}
	return answer.Problems, nil
}

// Table returns what is live.
func (e *Embedded) Table(ctx context.Context) (Table, error) {
	resp, err := e.do(ctx, http.MethodGet, "/table", nil)
	if err != nil {
		return Table{}, err
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	return DecodeTable(resp.Body)
}

// Drain implements Target.
func (e *Embedded) Drain(ctx context.Context, addrs []netip.AddrPort, deadline time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline+drainMargin)
	defer cancel()
	var answer DrainAnswer
	err := e.call(ctx, http.MethodPost, "/drain", DrainRequest{Addrs: addrs, DeadlineMS: deadline.Milliseconds()}, &answer)
	return answer.Cut, err
}

// Log implements Target.
func (e *Embedded) Log(ctx context.Context, fn func(LogEvent) error) error {
	resp, err := e.do(ctx, http.MethodGet, "/log", nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	dec := json.NewDecoder(bufio.NewReader(resp.Body))
	for {
		var ev LogEvent
		if err := dec.Decode(&ev); err != nil {
			return away(err)
		}
		if err := fn(ev); err != nil {
			return err
		}
	}
}

// Routes implements Observed.
func (e *Embedded) Routes(ctx context.Context, app string) (paas.RouteTable, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	var t paas.RouteTable
	err := e.call(ctx, http.MethodGet, "/routes?"+url.Values{"app": {app}}.Encode(), nil, &t)
	return t, err
}

// metricsAccept asks for what is quickest to decode.
const metricsAccept = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

// Metrics implements Observed.
func (e *Embedded) Metrics(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	resp, err := e.send(ctx, http.MethodGet, "/metrics", nil, metricsAccept)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, away(err)
	}
	return data, nil
}

// Health asks the router how it is.
func (e *Embedded) Health(ctx context.Context) (Health, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	var h Health
	err := e.call(ctx, http.MethodGet, "/healthz", nil, &h)
	return h, err
}

// Certs asks how it stands with the certificates that the router obtains for an app (App.ID).
func (e *Embedded) Certs(ctx context.Context, app string) (CertsAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	var answer CertsAnswer
	err := e.call(ctx, http.MethodGet, "/certs?app="+url.QueryEscape(app), nil, &answer)
	return answer, err
}

func (e *Embedded) call(ctx context.Context, method, path string, in, out any) error {
	resp, err := e.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return away(fmt.Errorf("decode the answer to %s %s: %w", method, path, err))
	}
	return nil
}

// do sends the request and turns an answer that is no success into its error.
func (e *Embedded) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	return e.send(ctx, method, path, in, "application/json")
}

func (e *Embedded) send(ctx context.Context, method, path string, in any, accept string) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://router"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, away(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	return nil, failure(resp)
}

func failure(resp *http.Response) error {
	var f Failure
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&f); err != nil {
		return away(fmt.Errorf("the router answered %s: %w", resp.Status, err))
	}
	if f.Version != 0 {
		return &StaleError{Live: f.Version}
	}
	return &paas.Error{Code: f.Error.Code, Message: f.Error.Message, Hint: f.Error.Hint}
}

func away(err error) error {
	return paas.Errorf(paas.Unavailable, "the router does not answer").
		WithHint("is its container up? docker ps --filter name=paas-router").Because(err)
}
