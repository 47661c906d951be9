package proxy

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	mathbig "math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"paas"
	"paas/router"
)

// ownCert is a certificate that a user brings.
type ownCert struct {
	text []byte
	pool *x509.CertPool
}

// newOwnCert makes one that is good for so long; negative: it expired so long ago.
func newOwnCert(t testing.TB, left time.Duration, names ...string) ownCert {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: mathbig.NewInt(1), NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(left),
		DNSNames: names, IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return ownCert{bytes.Join([][]byte{cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})}, nil), pool}
}

// ownRoute is a route with certificates that startTLS puts where the router finds them.
type ownRoute struct {
	paas.Route
	certs []ownCert
}

func (c ownCert) on(r paas.Route) ownRoute { return ownRoute{r, []ownCert{c}} }

func (r ownRoute) put(t *testing.T, dir string) paas.Route {
	t.Helper()
	for _, c := range r.certs {
		name, err := router.FilesIn(dir).Put(c.text)
		if err != nil {
			t.Fatal(err)
		}
		r.Certificates = append(r.Certificates, name)
	}
	return r.Route
}

// startTLS runs a router that takes TLS as well.
func startTLS(t *testing.T, opts Options, routes ...ownRoute) *rig {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = shortDir(t)
	}
	if opts.Certs.Dir == "" {
		opts.Certs.Dir = t.TempDir()
	}
	opts.HTTPSAddr = "127.0.0.1:0"
	var put []paas.Route
	for _, r := range routes {
		put = append(put, r.put(t, opts.Dir))
	}
	return start(t, opts, put...)
}

// tlsClient speaks TLS to the router, as one that wants host, by one protocol, whatever the URLs of its requests say.
func (r *rig) tlsClient(roots *x509.CertPool, host, protocol string) *http.Client {
	tr := &http.Transport{
		DisableCompression: true, Protocols: new(http.Protocols), TLSHandshakeTimeout: patience,
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host, NextProtos: []string{protocol}},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", r.SecureAddr().String())
		},
	}
	if protocol == "h2" {
		tr.Protocols.SetHTTP2(true)
	} else {
		tr.Protocols.SetHTTP1(true)
	}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport: overTLS{tr}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type overTLS struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (o overTLS) RoundTrip(req *http.Request) (*http.Response, error) {
	secure := req.Clone(req.Context())
	secure.URL.Scheme = "https"
	return o.Transport.RoundTrip(secure)
}

// handshake is one with the router, for a name.
func (r *rig) handshake(roots *x509.CertPool, host string) (tls.ConnectionState, error) {
	conn, err := net.Dial("tcp", r.SecureAddr().String())
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	c := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: host})
	err = c.HandshakeContext(ctx)
	return c.ConnectionState(), err
}
