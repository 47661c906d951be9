package certs

import (
	"context"
	"crypto/tls"
	"strings"
	"sync"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// ChallengePath is what the paths of HTTP-01 begin with (RFC 8555 8.3).
const ChallengePath = "/.well-known/acme-challenge/"

// ChallengeProtocol is what a client of TLS-ALPN-01 offers in ALPN (RFC 8737).
const ChallengeProtocol = acmez.ACMETLS1Protocol

// challenges are those that an authority may be about to look at: few, and each for moments.
type challenges struct {
	mu      sync.RWMutex
	answers map[string]answer           // by token
	certs   map[string]*tls.Certificate // by host
}

type answer struct{ host, text string }

// ChallengeAnswer is what to answer where host is asked for the token: the rest of a path after ChallengePath.
func (m *Manager) ChallengeAnswer(host, token string) (text string, ok bool) {
	m.challenges.mu.RLock()
	defer m.challenges.mu.RUnlock()
	a, ok := m.challenges.answers[token]
	return a.text, ok && a.host == host
}

// ChallengeCertificate is what to show to a client that offers ChallengeProtocol and nothing else; nil if host is not
// being challenged.
func (m *Manager) ChallengeCertificate(host string) *tls.Certificate {
	m.challenges.mu.RLock()
	defer m.challenges.mu.RUnlock()
	return m.challenges.certs[host]
}

// httpSolver and tlsSolver are the ACME client's view of them.
type (
	httpSolver struct{ *challenges }
	tlsSolver  struct{ *challenges }
)

// Present implements acmez.Solver.
func (s httpSolver) Present(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers == nil {
		s.answers = map[string]answer{}
	}
	s.answers[c.Token] = answer{strings.ToLower(c.Identifier.Value), c.KeyAuthorization}
	return nil
}

// CleanUp implements acmez.Solver.
func (s httpSolver) CleanUp(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.answers, c.Token)
	return nil
}

// Present implements acmez.Solver.
func (s tlsSolver) Present(_ context.Context, c acme.Challenge) error {
	cert, err := acmez.TLSALPN01ChallengeCert(c)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.certs == nil {
		s.certs = map[string]*tls.Certificate{}
	}
	s.certs[strings.ToLower(c.Identifier.Value)] = cert
	return nil
}

// CleanUp implements acmez.Solver.
func (s tlsSolver) CleanUp(_ context.Context, c acme.Challenge) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.certs, strings.ToLower(c.Identifier.Value))
	return nil
}
