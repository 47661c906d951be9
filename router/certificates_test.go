package router

import (
	"testing"
	"time"

	"paas"
)

func TestStateOfAnObtainedCertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for want, s := range map[paas.CertificateState]CertState{
		paas.CertificateValid:    {Expires: now.Add(30 * 24 * time.Hour)},
		paas.CertificateExpiring: {Expires: now.Add(24 * time.Hour), Error: "no", ErrorAt: now, NextTry: now},
		paas.CertificateExpired:  {Expires: now.Add(-time.Hour), Error: "no"},
		paas.CertificateWaiting:  {},
		paas.CertificateFailed:   {Error: "no"},
		paas.CertificateNone:     {Impossible: true, Error: "no"},
	} {
		c := s.info(now)
		if c.State != want || c.Error != s.Error || (c.Expires == nil) != s.Expires.IsZero() || (c.NextTry == nil) != s.NextTry.IsZero() {
			t.Errorf("%s: got %+v", want, c)
		}
		if (c.Source == "") != s.Impossible {
			t.Errorf("%s: source %q", want, c.Source)
		}
	}
}
