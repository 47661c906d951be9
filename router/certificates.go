package router

import (
	"context"
	"time"

	"paas"
)

// certificates is a target that obtains certificates.
type certificates interface {
	Certs(ctx context.Context, app string) (CertsAnswer, error)
}

// Certificates are those that the target obtains for the hosts of an app (App.ID), one a host; nil where it takes no TLS
// or leaves that to others.
func (c *Controller) Certificates(ctx context.Context, app string) ([]paas.Certificate, error) {
	target, ok := c.target.(certificates)
	if !ok {
		return nil, nil
	}
	answer, err := target.Certs(ctx, app)
	if err != nil || !answer.On {
		return nil, err
	}
	list := make([]paas.Certificate, 0, len(answer.Hosts))
	for _, h := range answer.Hosts {
		list = append(list, h.info(time.Now()))
	}
	return list, nil
}

func (s CertState) info(now time.Time) paas.Certificate {
	c := paas.Certificate{
		Name: s.Host, Names: []string{s.Host}, Source: paas.CertificateACME, State: paas.CertificateWaiting, Issuer: s.Issuer,
		Expires: given(s.Expires), Error: s.Error, ErrorAt: given(s.ErrorAt), NextTry: given(s.NextTry),
	}
	switch {
	case !s.Expires.IsZero():
		c.State = paas.CertificateACME.StateAt(now, s.Expires)
	case s.Impossible:
		c.Source, c.State = "", paas.CertificateNone
	case s.Error != "":
		c.State = paas.CertificateFailed
	}
	return c
}

func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
