package traefik

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"paas"
	"paas/router"
)

func TestAnAppsOwnCertificate(t *testing.T) {
	s := startWith(t, func(static *Static, l *Layout) {
		at := free(t)
		static.HTTPSAddr = at.String()
		l.HTTPS, l.HTTPSPort = true, int(at.Port()) // and no resolver, which would ask the world
	})
	chain, trusted := certificateFor(t, "own.test", "*.own.test")
	name, err := router.FilesIn(filepath.Dir(s.static.Dir)).Put(chain)
	if err != nil {
		t.Fatal(err)
	}
	own := app(t, "own", "own.test", "*.own.test")
	own.Certificates, own.Routing.HTTPS = []string{name}, paas.HTTPSRedirect
	s.put(1, own, app(t, "other", "other.test"))

	_, port, _ := net.SplitHostPort(s.static.HTTPSAddr)
	for _, host := range []string{"own.test", "any.own.test"} {
		if status, _, header := s.get(host + "/x?y=1"); status != http.StatusMovedPermanently || header.Get("Location") != "https://"+host+":"+port+"/x?y=1" {
			t.Errorf("without TLS: %d %s", status, header.Get("Location"))
		}
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.static.HTTPSAddr)
		},
	}}
	defer client.CloseIdleConnections()
	for _, host := range []string{"own.test", "any.own.test"} {
		resp, err := client.Get("https://" + host + ":" + port + "/x")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != "own /x" || resp.ProtoMajor != 2 {
			t.Errorf("%s: %s %s %v", host, resp.Proto, body, err)
		}
	}
	if _, err := client.Get("https://other.test:" + port + "/"); err == nil {
		t.Error("another app's host has a certificate that is trusted")
	}
}

// certificateFor makes a chain and its key, in one PEM, and what trusts it.
func certificateFor(t *testing.T, names ...string) ([]byte, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: names, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(chain) {
		t.Fatal(fmt.Errorf("%s", chain))
	}
	return append(chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), trusted
}
