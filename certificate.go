package paas

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"time"
)

// Certificate is how it stands with TLS at one or some of an app's hosts.
type Certificate struct {
	Name    string            `json:"name"`   // the first of Names
	Names   []string          `json:"names"`  // hosts and wildcards
	Source  CertificateSource `json:"source"` // empty: it has none, and none comes by itself
	State   CertificateState  `json:"state"`
	Issuer  string            `json:"issuer"`
	Expires *time.Time        `json:"expires_at"` // nil: there is none yet
	Error   string            `json:"error"`      // of the last attempt to obtain it
	ErrorAt *time.Time        `json:"error_at"`
	NextTry *time.Time        `json:"next_try_at"` // after that, the next visit makes another attempt
}

// CertificateSource is where a certificate comes from.
type CertificateSource string

// The sources of certificates.
const (
	CertificateACME CertificateSource = "acme" // the router obtains and renews it
	CertificateOwn  CertificateSource = "own"  // certs:add brought it
)

// CertificateState says whether TLS works at the hosts.
type CertificateState string

// The states of certificates.
const (
	CertificateValid    CertificateState = "valid"
	CertificateExpiring CertificateState = "expiring" // soon, and should have been renewed
	CertificateExpired  CertificateState = "expired"
	CertificateWaiting  CertificateState = "waiting" // the first visit obtains it
	CertificateFailed   CertificateState = "failed"  // to be obtained
	CertificateNone     CertificateState = "none"    // it takes one from certs:add
	CertificateOff      CertificateState = "off"     // the router takes no TLS
)

// Own certificates are to be renewed by people, who need some time; the router renews its own when a third is left.
const (
	ownExpiring      = 21 * 24 * time.Hour
	obtainedExpiring = 7 * 24 * time.Hour
)

// StateAt tells valid, expiring and expired apart.
func (s CertificateSource) StateAt(now, expires time.Time) CertificateState {
	soon := obtainedExpiring
	if s == CertificateOwn {
		soon = ownExpiring
	}
	switch left := expires.Sub(now); {
	case left <= 0:
		return CertificateExpired
	case left < soon:
		return CertificateExpiring
	}
	return CertificateValid
}

// OwnCertificate is one that a user brought, with its key.
type OwnCertificate struct {
	Names   []string  `json:"names"` // hosts and wildcards, at least one
	Issuer  string    `json:"issuer"`
	Expires time.Time `json:"expires_at"`
	PEM     []byte    `json:"pem"` // the chain, the certificate itself first, and the key
}

// Name tells it from the app's others.
func (c OwnCertificate) Name() string { return c.Names[0] }

// Covers says whether it is good for a host, or for all hosts of a wildcard.
func (c OwnCertificate) Covers(host string) bool {
	_, parent, _ := strings.Cut(host, ".")
	return slices.Contains(c.Names, host) || slices.Contains(c.Names, "*."+parent)
}

// Info shows it as users see it.
func (c OwnCertificate) Info(now time.Time) Certificate {
	return Certificate{
		Name: c.Name(), Names: c.Names, Source: CertificateOwn, State: CertificateOwn.StateAt(now, c.Expires), Issuer: c.Issuer, Expires: &c.Expires,
	}
}

// maxPEM bounds each of the files that make a certificate.
const maxPEM = 64 << 10

const certsUsage = "paas certs:add CERT.pem KEY.pem"

// ReadCertificate makes one of a chain and a key in PEM. It fails with Invalid, and says what is wrong with them.
func ReadCertificate(chain, key []byte, now time.Time) (OwnCertificate, error) {
	if len(chain) > maxPEM || len(key) > maxPEM {
		return OwnCertificate{}, Errorf(Invalid, "a certificate or its key is larger than %d bytes", maxPEM).WithHint(certsUsage)
	}
	certs, text, err := readChain(chain)
	if err != nil {
		return OwnCertificate{}, err
	}
	keyText, err := readKey(key)
	if err != nil {
		return OwnCertificate{}, err
	}
	if _, err := tls.X509KeyPair(text, keyText); err != nil {
		return OwnCertificate{}, Errorf(Invalid, "the key is not that of the certificate").
			WithHint("the key and the first certificate in its file must have been made together").Because(err)
	}
	leaf := certs[0]
	if err := checkLeaf(leaf, now); err != nil {
		return OwnCertificate{}, err
	}
	names := make([]string, 0, len(leaf.DNSNames))
	for _, name := range leaf.DNSNames {
		if name = strings.ToLower(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return OwnCertificate{Names: names, Issuer: IssuerName(leaf), Expires: leaf.NotAfter.UTC(), PEM: append(text, keyText...)}, nil
}

// IssuerName is who issued a certificate, for people.
func IssuerName(c *x509.Certificate) string {
	return strings.TrimSpace(strings.Join(append(slices.Clone(c.Issuer.Organization), c.Issuer.CommonName), " "))
}

func checkLeaf(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return Errorf(Invalid, "the certificate expired on %s", leaf.NotAfter.UTC().Format(time.DateOnly)).WithHint("have a new one issued")
	case now.Before(leaf.NotBefore):
		return Errorf(Invalid, "the certificate is not valid before %s", leaf.NotBefore.UTC().Format(time.DateTime)).WithHint("is the server's clock right?")
	case len(leaf.DNSNames) == 0:
		return Errorf(Invalid, "the certificate names no host").WithHint("have one issued with the hosts as subject alternative names")
	}
	return nil
}

// readChain returns the certificates in text, each issued by the next, and no more than them as PEM.
func readChain(text []byte) (certs []*x509.Certificate, kept []byte, err error) {
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, Errorf(Invalid, "a certificate cannot be read: %w", err).WithHint(certsUsage)
		}
		certs, kept = append(certs, c), append(kept, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
	}
	if len(certs) == 0 {
		return nil, nil, Errorf(Invalid, "the first file has no certificate in PEM").WithHint(certsUsage)
	}
	for i, c := range certs[1:] {
		if err := certs[i].CheckSignatureFrom(c); err != nil {
			return nil, nil, Errorf(Invalid, "the chain is broken: certificate %d is not issued by certificate %d", i+1, i+2).
				WithHint("the file has the app's certificate first, then the one that issued it, and so on").Because(err)
		}
	}
	return certs, kept, nil
}

func readKey(text []byte) ([]byte, error) {
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, Errorf(Invalid, "the second file has no key in PEM").WithHint(certsUsage)
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if strings.HasPrefix(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return nil, Errorf(Invalid, "the key is encrypted, and nobody can give the router its passphrase").
				WithHint("openssl pkey -in KEY.pem -out PLAIN.pem, and take that one")
		}
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}), nil
	}
}
