package store

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestOwnCertificatesAreSealedAndGoWithTheirApp(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	app, other := must(db.CreateApp("hello", ""))(t), must(db.CreateApp("other", ""))(t)
	secret := []byte("the private key of a certificate")
	wild := paas.OwnCertificate{Names: []string{"*.example.com", "example.com"}, Issuer: "CA", Expires: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), PEM: secret}
	check(t, db.AddCertificate(app.ID, paas.OwnCertificate{Names: wild.Names, PEM: []byte("before")}))
	check(t, db.AddCertificate(app.ID, wild)) // in its place
	second := paas.OwnCertificate{Names: []string{"a.example.com"}, PEM: secret}
	check(t, db.AddCertificate(app.ID, second))
	if diff := cmp.Diff([]paas.OwnCertificate{wild, second}, must(db.Certificates(app.ID))(t)); diff != "" {
		t.Error(diff)
	}
	if got := must(db.Certificates(other.ID))(t); got == nil || len(got) > 0 {
		t.Errorf("the other app has %v", got)
	}
	if got := must(db.RemoveCertificate(app.ID, "a.example.com"))(t); got.Name() != "a.example.com" {
		t.Errorf("got %+v", got)
	}
	for _, name := range []string{"a.example.com", "", "*"} {
		if _, err := db.RemoveCertificate(app.ID, name); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := db.AddCertificate("nosuch", wild); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("of no app: %v", err)
	}
	check(t, db.Close())
	data := must(os.ReadFile(filepath.Join(dir, "paas.db")))(t)
	if bytes.Contains(data, secret) || bytes.Contains(data, []byte(base64.StdEncoding.EncodeToString(secret))) {
		t.Error("a key is in the file")
	}

	db = open(t, dir)
	for i := range maxCertificates - 1 {
		check(t, db.AddCertificate(app.ID, paas.OwnCertificate{Names: []string{fmt.Sprintf("h%d.example.com", i)}}))
	}
	if err := db.AddCertificate(app.ID, second); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("one too many: %v", err)
	}
	check(t, db.AddCertificate(app.ID, wild)) // is no more
	check(t, db.DeleteApp(app.ID))
	if got := must(db.Certificates(app.ID))(t); len(got) > 0 {
		t.Errorf("%d are left", len(got))
	}
}
