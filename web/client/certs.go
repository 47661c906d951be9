package client

import (
	"context"
	"net/http"

	"paas"
)

// Certificates tells how it stands with TLS at an app's hosts.
func (c *Client) Certificates(ctx context.Context, app string) ([]paas.Certificate, error) {
	return get[[]paas.Certificate](ctx, c, app, "certs")
}

// AddCertificate gives an app a certificate of its own: the chain and the key, in PEM.
func (c *Client) AddCertificate(ctx context.Context, app string, chain, key []byte) (paas.Certificate, error) {
	return write[paas.Certificate](ctx, c, http.MethodPost, CertBody{Certificate: string(chain), Key: string(key)}, app, "certs")
}

// RemoveCertificate takes it away.
func (c *Client) RemoveCertificate(ctx context.Context, app, name string) (paas.Certificate, error) {
	if name == "" {
		return paas.Certificate{}, paas.Errorf(paas.Invalid, "no certificate given").WithHint("paas certs")
	}
	return write[paas.Certificate](ctx, c, http.MethodDelete, nil, app, "certs", name)
}
