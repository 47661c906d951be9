package paas

import (
	"context"
	"regexp"
	"time"
)

// Key is an SSH public key that may come in.
type Key struct {
	Name        string    `json:"name"` // the user it stands for, unique
	Fingerprint string    `json:"fingerprint"`
	Public      string    `json:"public"` // authorized_keys form without options or comment
	CreatedAt   time.Time `json:"created_at"`
}

// Token is a bearer token of the HTTP API. Only its hash is kept.
type Token struct {
	Name      string    `json:"name"`
	User      string    `json:"user"`
	Sum       string    `json:"sum,omitempty"` // SHA-256 of the secret, hex
	CreatedAt time.Time `json:"created_at"`
}

var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// ValidateKeyName refuses names that would not read well in a ledger.
func ValidateKeyName(name string) error {
	if !keyName.MatchString(name) || name == PlatformUser {
		return Errorf(Invalid, "key name %s is not valid", Quote(name)).
			WithHint("use up to 64 letters, digits and . _ @ -, for example: paas keys:add ada ~/.ssh/id_ed25519.pub")
	}
	return nil
}

type userKey struct{}

// WithUser returns a context whose work is done in the name of user.
func WithUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// PlatformUser is the name for what the platform does by itself; no key and no token has it.
const PlatformUser = "paas"

// UserOf returns who the context's work is done for: PlatformUser where nobody asked.
func UserOf(ctx context.Context) string {
	if u, ok := ctx.Value(userKey{}).(string); ok && u != "" {
		return u
	}
	return PlatformUser
}
