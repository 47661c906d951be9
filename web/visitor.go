package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/labstack/echo/v4"

	"paas"
)

// door is the way a connection came in.
type door int

const (
	doorNone door = iota // no connection of ours: nobody
	doorTCP
	doorUnix
	doorSSH
)

// visitor is who is at the other end of a connection; user is empty where each request has to say it.
type visitor struct {
	door door
	user string
	addr string // of an SSH client
}

type visitorKey struct{}

func withVisitor(ctx context.Context, v visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

func visitorOf(ctx context.Context) visitor {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return v
}

// healthPath is the one route that needs no identity.
const healthPath = "/healthz"

// authenticate lets a request pass with its user in the context, or refuses it: routes that exist and routes that do
// not alike.
func (s *Server) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Path() == healthPath {
			return next(c)
		}
		ctx := c.Request().Context()
		v := visitorOf(ctx)
		if v.door == doorTCP {
			user, err := s.tokenUser(c.Request().Header.Get(echo.HeaderAuthorization))
			if err != nil {
				return err
			}
			v.user = user
		}
		if v.user == "" {
			return paas.Errorf(paas.Unauthorized, "this connection has no identity")
		}
		c.SetRequest(c.Request().WithContext(paas.WithUser(ctx, v.user)))
		return next(c)
	}
}

// tokenUser finds the user of an Authorization header.
func (s *Server) tokenUser(header string) (string, error) {
	scheme, secret, _ := strings.Cut(header, " ")
	if header == "" {
		return "", paas.Errorf(paas.Unauthorized, "no token given").
			WithHint("set PAAS_TOKEN, or come in by ssh: PAAS_URL=ssh://paas@HOST:2222")
	}
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(secret, tokenPrefix) {
		return "", paas.Errorf(paas.Unauthorized, "the Authorization header is not a paas token").WithHint("send: Authorization: Bearer paas_…")
	}
	token, err := s.Tokens.TokenBySum(tokenSum(secret))
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return "", paas.Errorf(paas.Unauthorized, "the token is not valid or has been removed").
			WithHint("set PAAS_TOKEN to a new one, or come in by ssh: PAAS_URL=ssh://paas@HOST:2222")
	case err != nil:
		return "", err
	}
	return token.User, nil
}

// tokenSum is what is kept of a token: it is random enough that a plain hash cannot be reversed.
func tokenSum(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// onlyUnix shuts a route to all but the host itself.
func onlyUnix(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if visitorOf(c.Request().Context()).door != doorUnix {
			return paas.Errorf(paas.Unauthorized, "this is for paasd's own hooks, on its unix socket")
		}
		return next(c)
	}
}
