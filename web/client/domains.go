package client

import (
	"context"
	"net/http"

	"paas"
)

// Domains lists the hosts that an app answers to.
func (c *Client) Domains(ctx context.Context, app string) ([]paas.Domain, error) {
	return get[[]paas.Domain](ctx, c, app, "domains")
}

// AddDomain makes an app answer to host.
func (c *Client) AddDomain(ctx context.Context, app, host string) (paas.Domain, error) {
	return write[paas.Domain](ctx, c, http.MethodPost, HostBody{Host: host}, app, "domains")
}

// RemoveDomain takes a host away from an app.
func (c *Client) RemoveDomain(ctx context.Context, app, host string) (paas.Domain, error) {
	if host == "" {
		return paas.Domain{}, paas.Errorf(paas.Invalid, "no host given").WithHint("paas domains")
	}
	return write[paas.Domain](ctx, c, http.MethodDelete, nil, app, "domains", host)
}
