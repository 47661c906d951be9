package paas

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// issued is a certificate of a test, with its key.
type issued struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func issue(t *testing.T, by *issued, names []string, from, to time.Time) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: from, NotAfter: to, IsCA: len(names) == 0, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{Organization: []string{"Test"}, CommonName: "CA"},
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

func (i *issued) keyPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func TestReadCertificate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	from, to := now.AddDate(0, -1, 0), now.AddDate(0, 2, 0)
	ca := issue(t, nil, nil, from, to)
	leaf := issue(t, ca, []string{"*.Example.com", "example.com", "example.com"}, from, to)
	other := issue(t, nil, nil, from, to)
	c, err := ReadCertificate([]byte("a comment\n"+leaf.pem+ca.pem), []byte(leaf.keyPEM(t)), now)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Names, []string{"*.example.com", "example.com"}) || c.Name() != "*.example.com" || c.Issuer != "Test CA" || !c.Expires.Equal(to) {
		t.Errorf("got %+v", c)
	}
	for host, want := range map[string]bool{
		"a.example.com": true, "example.com": true, "*.example.com": true, "a.b.example.com": false, "*.b.example.com": false, "example.org": false, "com": false,
	} {
		if c.Covers(host) != want {
			t.Errorf("%s is covered: %v", host, !want)
		}
	}
	if again, err := ReadCertificate(c.PEM, c.PEM, now); err != nil || again.Name() != c.Name() {
		t.Errorf("what is kept does not read: %v", err)
	}

	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}))
	legacy := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte("x")}))
	nameless := issue(t, nil, nil, from, to)
	for name, bad := range map[string]struct{ chain, key, want string }{
		"nothing":        {"", leaf.keyPEM(t), "the first file has no certificate in PEM"},
		"swapped":        {leaf.keyPEM(t), leaf.pem, "the first file has no certificate in PEM"},
		"no key":         {leaf.pem, leaf.pem, "the second file has no key in PEM"},
		"another key":    {leaf.pem, other.keyPEM(t), "the key is not that of the certificate"},
		"encrypted":      {leaf.pem, encrypted, "the key is encrypted"},
		"encrypted, old": {leaf.pem, legacy, "the key is encrypted"},
		"broken chain":   {leaf.pem + other.pem, leaf.keyPEM(t), "the chain is broken: certificate 1 is not issued by certificate 2"},
		"wrong order":    {ca.pem + leaf.pem, ca.keyPEM(t), "the chain is broken: certificate 1"},
		"no certificate": {string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), leaf.keyPEM(t), "a certificate cannot be read"},
		"names nothing":  {nameless.pem, nameless.keyPEM(t), "the certificate names no host"},
		"too large":      {leaf.pem + strings.Repeat("\n", maxPEM), leaf.keyPEM(t), "larger than"},
	} {
		if _, err := ReadCertificate([]byte(bad.chain), []byte(bad.key), now); CodeOf(err) != Invalid || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for when, want := range map[time.Time]string{from.Add(-time.Hour): "is not valid before", to.Add(time.Hour): "the certificate expired on"} {
		if _, err := ReadCertificate([]byte(leaf.pem), []byte(leaf.keyPEM(t)), when); CodeOf(err) != Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("at %s: got %v", when, err)
		}
	}
}

func TestStateOfACertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		source CertificateSource
		left   time.Duration
		want   CertificateState
	}{
		{CertificateACME, 8 * 24 * time.Hour, CertificateValid},
		{CertificateACME, 6 * 24 * time.Hour, CertificateExpiring},
		{CertificateOwn, 22 * 24 * time.Hour, CertificateValid},
		{CertificateOwn, 20 * 24 * time.Hour, CertificateExpiring},
		{CertificateOwn, -time.Second, CertificateExpired},
	} {
		if got := c.source.StateAt(now, now.Add(c.left)); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}
