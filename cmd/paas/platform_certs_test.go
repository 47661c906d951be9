package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"time"

	"paas"
)

func (p *platform) Certificates(_ context.Context, app string) ([]paas.Certificate, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	host := app + ".localhost"
	return append(slices.Clone(a.certs), paas.Certificate{Name: host, Names: []string{host}, State: paas.CertificateOff}), nil
}

func (p *platform) AddCertificate(_ context.Context, app string, chain, key []byte) (paas.Certificate, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Certificate{}, err
	}
	defer p.mu.Unlock()
	c, err := paas.ReadCertificate(chain, key, time.Now())
	if err != nil {
		return paas.Certificate{}, err
	}
	a.certs = append(a.certs, c.Info(time.Now()))
	return c.Info(time.Now()), nil
}

func (p *platform) RemoveCertificate(_ context.Context, app, name string) (paas.Certificate, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Certificate{}, err
	}
	defer p.mu.Unlock()
	i := slices.IndexFunc(a.certs, func(c paas.Certificate) bool { return c.Name == name })
	if i < 0 {
		return paas.Certificate{}, paas.Errorf(paas.NotFound, "app %s has no certificate of its own named %q", app, name).WithHint("paas certs -a %s", app)
	}
	c := a.certs[i]
	a.certs = slices.Delete(a.certs, i, i+1)
	return c, nil
}

// writeCertificates makes cert.pem, key.pem and another.pem, a key that is not that of the certificate.
func writeCertificates(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"another.pem", "key.pem"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		text, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		if err := writePEM(filepath.Join(dir, name), "PRIVATE KEY", text); err != nil {
			return err
		}
		template := x509.Certificate{
			SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Date(2099, 1, 2, 0, 0, 0, 0, time.UTC),
			DNSNames: []string{"*.example.com", "example.com"},
		}
		template.Subject.CommonName = "Us"
		der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
		if err != nil {
			return err
		}
		if err := writePEM(filepath.Join(dir, "cert.pem"), "CERTIFICATE", der); err != nil {
			return err
		}
	}
	return nil
}

func writePEM(path, kind string, data []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600)
}
