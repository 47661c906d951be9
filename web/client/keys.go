package client

import (
	"context"
	"net/http"
	"net/url"

	"paas"
)

// Keys lists the SSH keys that may come in.
func (c *Client) Keys(ctx context.Context) ([]paas.Key, error) {
	return call[[]paas.Key](ctx, c, request{method: http.MethodGet, path: "/v1/keys"})
}

// AddKey lets an SSH key in, as user name. authorizedKey is a line as in an id_ed25519.pub file.
func (c *Client) AddKey(ctx context.Context, name, authorizedKey string) (paas.Key, error) {
	return call[paas.Key](ctx, c, request{method: http.MethodPost, path: "/v1/keys", body: KeyBody{Name: name, Key: authorizedKey}})
}

// RemoveKey shuts a key out and returns it.
func (c *Client) RemoveKey(ctx context.Context, name string) (paas.Key, error) {
	if err := paas.ValidateKeyName(name); err != nil {
		return paas.Key{}, err
	}
	return call[paas.Key](ctx, c, request{method: http.MethodDelete, path: "/v1/keys/" + url.PathEscape(name)})
}

// Tokens lists the API tokens, without their secrets.
func (c *Client) Tokens(ctx context.Context) ([]paas.Token, error) {
	return call[[]paas.Token](ctx, c, request{method: http.MethodGet, path: "/v1/tokens"})
}

// CreateToken makes an API token of the calling user. The secret is shown this once: paasd keeps its hash only.
func (c *Client) CreateToken(ctx context.Context, name string) (secret string, token paas.Token, err error) {
	made, err := call[NewToken](ctx, c, request{method: http.MethodPost, path: "/v1/tokens", body: NameBody{Name: name}})
	return made.Secret, made.Token, err
}

// RemoveToken revokes a token and returns it.
func (c *Client) RemoveToken(ctx context.Context, name string) (paas.Token, error) {
	if err := paas.ValidateKeyName(name); err != nil {
		return paas.Token{}, err
	}
	return call[paas.Token](ctx, c, request{method: http.MethodDelete, path: "/v1/tokens/" + url.PathEscape(name)})
}
