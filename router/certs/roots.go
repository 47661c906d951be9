package certs

import (
	"crypto/x509"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// SystemRoots are the system's authorities, or those of Mozilla's list that came with the program: in the router's
// container there is no system.
func SystemRoots() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err == nil && !pool.Equal(x509.NewCertPool()) {
		return pool
	}
	pool = x509.NewCertPool()
	for root := range bundle.Roots() {
		cert, err := x509.ParseCertificate(root.Certificate)
		switch {
		case err != nil: // a kind that this version of Go does not read
		case root.Constraint != nil:
			pool.AddCertWithConstraint(cert, root.Constraint)
		default:
			pool.AddCert(cert)
		}
	}
	return pool
}
