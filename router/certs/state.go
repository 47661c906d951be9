package certs

import (
	"context"
	"errors"
	"io/fs"

	"paas"
	"paas/router"
)

// State tells how it stands with host.
func (m *Manager) State(host string) (router.CertState, error) {
	s := router.CertState{Host: host, Impossible: !m.MayHave(host)}
	if failed, ok := m.failures.last(host); ok {
		s.Error, s.ErrorAt, s.NextTry = failed.Error, failed.At, failed.Next
	}
	c := m.cached(host)
	if c == nil {
		var err error
		if c, err = m.load(host); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, context.Canceled) {
			return s, err
		}
	}
	if c != nil {
		s.Issuer, s.Expires = paas.IssuerName(c.Leaf), c.Leaf.NotAfter
	}
	return s, nil
}
