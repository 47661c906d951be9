package client

import (
	"context"
	"net/http"
	"net/url"

	"paas"
)

// Registries lists the accounts that the platform has at image registries.
func (c *Client) Registries(ctx context.Context) ([]paas.Registry, error) {
	return call[[]paas.Registry](ctx, c, request{method: http.MethodGet, path: "/v1/registries"})
}

// AddRegistry keeps the login of a registry, once the registry has taken it; with noVerify untried.
func (c *Client) AddRegistry(ctx context.Context, host, user, password string, noVerify bool) (paas.Registry, error) {
	body := RegistryBody{Host: host, User: user, Password: password, NoVerify: noVerify}
	return call[paas.Registry](ctx, c, request{method: http.MethodPost, path: "/v1/registries", body: body})
}

// RemoveRegistry forgets the login of a registry.
func (c *Client) RemoveRegistry(ctx context.Context, host string) (paas.Registry, error) {
	host, err := paas.ParseRegistryHost(host)
	if err != nil {
		return paas.Registry{}, err
	}
	return call[paas.Registry](ctx, c, request{method: http.MethodDelete, path: "/v1/registries/" + url.PathEscape(host)})
}
