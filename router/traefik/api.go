package traefik

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"paas/router"
)

// api is Traefik's, read only.
type api struct {
	origin string
	client *http.Client
}

func newAPI(addr netip.AddrPort) *api {
	return &api{origin: "http://" + addr.String(), client: &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // a kept connection would have to be told from a restarted Traefik's
	}}}
}

const maxAnswer = 32 << 20

// get reads an answer into out, unless that is nil. An answer other than 200 is no error.
func (a *api) get(ctx context.Context, path string, out any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.origin+path, nil)
	if err != nil {
		return 0, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return 0, away(err)
	}
	defer func() { _ = resp.Body.Close() }() // only read from
	if resp.StatusCode != http.StatusOK || out == nil {
		return resp.StatusCode, nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return 0, away(fmt.Errorf("decode the answer to %s: %w", path, err))
	}
	return resp.StatusCode, nil
}

// has says whether the version is what Traefik serves.
func (a *api) has(ctx context.Context, version string) (bool, error) {
	status, err := a.get(ctx, "/api/http/middlewares/"+url.PathEscape(version+"@file"), nil)
	return status == http.StatusOK, err
}

// problems are the rules of apps that Traefik has refused.
func (a *api) problems(ctx context.Context) ([]router.Problem, error) {
	var rules []struct {
		Name   string   `json:"name"`
		Errors []string `json:"error"`
	}
	if _, err := a.get(ctx, "/api/http/routers?status=disabled&per_page=1000", &rules); err != nil {
		return nil, err
	}
	var problems []router.Problem
	for _, r := range rules {
		app, _, _ := strings.Cut(r.Name, ":")
		problems = append(problems, router.Problem{App: app, Text: strings.Join(r.Errors, "; ")})
	}
	return problems, nil
}
