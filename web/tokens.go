package web

import (
	"crypto/rand"
	"net/http"

	"github.com/labstack/echo/v4"

	"paas"
	"paas/web/client"
)

const (
	tokenPrefix   = "paas_"
	tokenLength   = 40 // characters of base62: 238 bits
	tokenAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

func (s *Server) listTokens(c echo.Context) error {
	tokens, err := s.Tokens.Tokens()
	shown := make([]paas.Token, len(tokens))
	for i, t := range tokens {
		t.Sum = ""
		shown[i] = t
	}
	return list(c, shown, err)
}

func (s *Server) createToken(c echo.Context) error {
	var body client.NameBody
	if err := bind(c, &body); err != nil {
		return err
	}
	about(c, body.Name)
	if err := validateTokenName(body.Name); err != nil {
		return err
	}
	secret := newToken()
	token := paas.Token{Name: body.Name, User: paas.UserOf(c.Request().Context()), Sum: tokenSum(secret), CreatedAt: s.now()}
	err := s.Tokens.AddToken(token)
	token.Sum = ""
	c.Response().Header().Set("Cache-Control", "no-store")
	return answer(c, http.StatusCreated, client.NewToken{Secret: secret, Token: token}, err)
}

func (s *Server) removeToken(c echo.Context) error {
	token, err := s.Tokens.RemoveToken(c.Param("name"))
	token.Sum = ""
	return answer(c, http.StatusOK, token, err)
}

// validateTokenName: the rule of keys' names, in words of its own.
func validateTokenName(name string) error {
	if paas.ValidateKeyName(name) != nil {
		return paas.Errorf(paas.Invalid, "token name %s is not valid", paas.Quote(name)).
			WithHint("use up to 64 letters, digits and . _ @ -, starting with a letter or digit")
	}
	return nil
}

// newToken makes a token's secret.
func newToken() string {
	// 248 is the largest multiple of 62 in a byte: what is above would make some characters likelier.
	const fair = 256 - 256%len(tokenAlphabet)
	secret := make([]byte, 0, tokenLength)
	for random := make([]byte, tokenLength); len(secret) < tokenLength; {
		_, _ = rand.Read(random) // never fails: it crashes the program instead
		for _, b := range random {
			if int(b) < fair && len(secret) < tokenLength {
				secret = append(secret, tokenAlphabet[int(b)%len(tokenAlphabet)])
			}
		}
	}
	return tokenPrefix + string(secret)
}
