package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"paas"
	"paas/test/acme"
	"paas/test/platform"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	authority := acme.Start(t, 0)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, []byte(authority.CA), 0o600); err != nil {
		t.Fatal(err)
	}
	p := platform.Start(t, platform.Options{HTTPS: true, Args: []string{"--acme-directory", authority.Directory, "--acme-ca", ca}})
	authority.Look(t, port(t, p.RouterAddr()), port(t, p.SecureAddr()))
	secure := secureClient(t, p)
	app := p.App(t, platform.Fixture{})
	app.Push()

	host := app.Name + ".localhost"
	url := "https://" + host + ":" + portOf(p.SecureAddr()) + "/"
	var list []paas.AppInfo
	app.JSON(&list, "paas", "apps")
	if len(list) != 1 || list[0].URL != url {
		t.Errorf("paas apps shows %+v", list)
	}
	if certs := certificates(app); len(certs) != 1 || certs[0].State != paas.CertificateWaiting {
		t.Errorf("before the first visit: %+v", certs)
	}
	if status, body := visit(t, secure(authority.RootPool()), url+"headers"); status != 200 || !strings.Contains(body, "https") {
		t.Errorf("got %d %s", status, body)
	}
	if status, _ := visit(t, secure(authority.RootPool()), strings.Replace(url, host, "paas.localhost", 1)+"healthz"); status != 200 {
		t.Errorf("paasd itself: %d", status)
	}
	if certs := certificates(app); certs[0].State != paas.CertificateValid || !strings.Contains(certs[0].Issuer, "Pebble") {
		t.Errorf("after it: %+v", certs)
	}

	app.Do("paas", "router:set", "https=redirect")
	redirected(t, app.URL("/x"), p.RouterAddr(), url+"x")
	app.Do("paas", "router:unset", "https")

	app.Do("paas", "domains:add", "*.wild.test")
	pool := ownCertificate(t, app, "*.wild.test", host)
	orders := authority.Orders(t)
	app.Do("paas", "certs:add", "cert.pem", "key.pem")
	for _, own := range []string{host, "any.wild.test"} {
		if status, _ := visit(t, secure(pool), strings.Replace(url, host, own, 1)); status != 200 {
			t.Errorf("%s with an own certificate: %d", own, status)
		}
	}
	docker(t, p, "restart", "--time", "0", "paas-router-"+p.Installation())
	platform.WaitFor(t, platform.Patience, "the router again", func() error { return app.Get("/").Want(200) })
	if status, _ := visit(t, secure(pool), url); status != 200 {
		t.Errorf("after a restart of the router: %d", status)
	}
	app.Do("paas", "certs:remove", "*.wild.test")
	if status, _ := visit(t, secure(authority.RootPool()), url); status != 200 {
		t.Errorf("without it: %d", status)
	}
	if again := authority.Orders(t); again != orders {
		t.Errorf("%d orders for what there was", again-orders)
	}
	events := app.Do("paas", "events").Stdout
	for _, want := range []string{"certs.added", "certs.removed"} {
		if !strings.Contains(events, want) {
			t.Errorf("no event %s in\n%s", want, events)
		}
	}
	ours(t, p.DataDir())
	taken(t, p)
}

// taken holds that paasd says at once when its router could not listen.
func taken(t *testing.T, p *platform.Platform) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := p.Daemon(ctx, "serve", "--data-dir", filepath.Join(t.TempDir(), "data"), "--http-addr", p.SpareAddr(0), "--ssh-addr", p.SpareAddr(1),
		"--api-addr", p.SpareAddr(2), "--https-addr", p.SecureAddr()).CombinedOutput()
	if said := string(out); err == nil || !strings.Contains(said, "cannot listen on "+p.SecureAddr()) || !strings.Contains(said, "--https-addr") {
		t.Errorf("it ended with %v and said %q", err, said)
	}
}

func redirected(t *testing.T, url, router, want string) {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, router)
	}}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Get(url) //nolint:noctx // the router answers by itself
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 308 || resp.Header.Get("Location") != want {
		t.Errorf("got %s to %s", resp.Status, resp.Header.Get("Location"))
	}
}

func port(t *testing.T, addr string) int {
	t.Helper()
	parsed, err := netip.ParseAddrPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return int(parsed.Port())
}

// secureClient makes clients that trust the roots and find every host at the router's door for TLS.
func secureClient(t *testing.T, p *platform.Platform) func(*x509.CertPool) *http.Client {
	return func(roots *x509.CertPool) *http.Client {
		tr := &http.Transport{
			ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, p.SecureAddr())
			},
		}
		t.Cleanup(tr.CloseIdleConnections)
		return &http.Client{Transport: tr, Timeout: 30 * time.Second}
	}
}

func visit(t *testing.T, c *http.Client, url string) (status int, body string) {
	t.Helper()
	resp, err := c.Get(url) //nolint:noctx // the client has a time-out
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func certificates(app *platform.App) (certs []paas.Certificate) {
	app.JSON(&certs, "paas", "certs")
	return certs
}

// ownCertificate makes cert.pem and key.pem in the app's repository, and what the certificate is checked by.
func ownCertificate(t *testing.T, app *platform.App, names ...string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: names,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	app.Write("cert.pem", string(cert))
	app.Write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// ours holds that nobody else reads the certificates' keys.
func ours(t *testing.T, dataDir string) {
	t.Helper()
	files := 0
	for _, dir := range []string{"certs", filepath.Join("router", "files")} {
		err := filepath.WalkDir(filepath.Join(dataDir, dir), func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is %s", path, info.Mode())
			}
			files++
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if files < 8 {
		t.Errorf("only %d files", files)
	}
}
