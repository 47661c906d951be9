package release

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// ownCertificate is one for names, in PEM, that is good for so long.
func ownCertificate(t *testing.T, left time.Duration, names ...string) (chain, key []byte) {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(left),
	}
	der := must(x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private))(t)
	text := must(x509.MarshalPKCS8PrivateKey(private))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}

func (w *world) certificates() (rows [][3]string) {
	w.t.Helper()
	for _, c := range must(w.Certificates(context.Background(), "hello"))(w.t) {
		rows = append(rows, [3]string{c.Name, string(c.Source), string(c.State)})
	}
	return rows
}

func TestOwnCertificatesGoToTheRouterAndComeBackAfterARestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := paas.WithUser(context.Background(), "ada")
		w.create()
		w.mustPush("img1")
		must(w.AddDomain(ctx, "hello", "*.example.com"))(t)
		must(w.AddDomain(ctx, "hello", "example.com/api"))(t)
		app := must(w.db.AppByName("hello"))(t)
		if diff := cmp.Diff([][3]string{{"hello.localhost", "", "off"}, {"*.example.com", "", "off"}, {"example.com", "", "off"}}, w.certificates()); diff != "" {
			t.Error(diff)
		}
		w.router.certs = []paas.Certificate{
			{Name: "hello.localhost", Source: paas.CertificateACME, State: paas.CertificateWaiting},
			{Name: "example.com", Source: paas.CertificateACME, State: paas.CertificateValid},
		}
		chain, key := ownCertificate(t, 100*24*time.Hour, "*.example.com")
		must(w.AddCertificate(ctx, "hello", chain, key))(t)
		want := [][3]string{{"*.example.com", "own", "valid"}, {"hello.localhost", "acme", "waiting"}, {"example.com", "acme", "valid"}}
		if diff := cmp.Diff(want, w.certificates()); diff != "" {
			t.Error(diff)
		}
		live, _ := w.router.Route(app.ID)
		if len(live.Certificates) != 1 || len(live.Backends) != 1 {
			t.Errorf("got %+v", live)
		}
		if ev := must(w.Events(ctx, paas.EventQuery{App: "hello", Limit: 1}))(t)[0]; ev.Kind != paas.EventCertAdded || ev.User != "ada" || ev.Text != "Certificate for *.example.com added by ada" {
			t.Errorf("got %+v", ev)
		}

		w.halt()
		w.router.routes = map[string]paas.Route{} // as after the loss of the router's folder
		w.boot()
		w.mustPush("img2")
		if again, _ := w.router.Route(app.ID); !cmp.Equal(again.Certificates, live.Certificates) {
			t.Errorf("got %v", again.Certificates)
		}
		must(w.RemoveCertificate(ctx, "hello", "*.EXAMPLE.com"))(t)
		if route, _ := w.router.Route(app.ID); len(route.Certificates) != 0 {
			t.Errorf("got %v", route.Certificates)
		}
		if ev := must(w.Events(ctx, paas.EventQuery{App: "hello", Limit: 1}))(t)[0]; ev.Kind != paas.EventCertRemoved {
			t.Errorf("got %+v", ev)
		}
		if _, err := w.RemoveCertificate(ctx, "hello", "*.example.com"); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("twice: %v", err)
		}
	})
}

func TestACertificateThatIsOfNoUseIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		must(w.AddDomain(ctx, "hello", "www.example.com"))(t)
		for want, names := range map[string][]string{
			"the certificate is for example.org, and hello has no such host":     {"example.org"},
			"the certificate is for *.b.example.com, and hello has no such host": {"*.b.example.com"},
		} {
			chain, key := ownCertificate(t, time.Hour, names...)
			if _, err := w.AddCertificate(ctx, "hello", chain, key); paas.CodeOf(err) != paas.Invalid || err.Error() != want {
				t.Errorf("got %v", err)
			}
		}
		chain, key := ownCertificate(t, time.Hour, "www.example.com")
		if _, err := w.AddCertificate(ctx, "nosuch", chain, key); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("got %v", err)
		}
		if _, err := w.AddCertificate(ctx, "hello", chain, chain); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("got %v", err)
		}
		if kept := must(w.db.Certificates(must(w.db.AppByName("hello"))(t).ID))(t); len(kept) != 0 {
			t.Errorf("%d certificates", len(kept))
		}
		// The one that has expired stays, and is seen to have.
		must(w.AddCertificate(ctx, "hello", chain, key))(t)
		w.jump.Store(int64(2 * time.Hour))
		if got := w.certificates(); got[0] != [3]string{"www.example.com", "own", "expired"} || len(got) != 3 {
			t.Errorf("got %v", got)
		}
	})
}
