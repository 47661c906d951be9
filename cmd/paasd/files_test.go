package main

import (
	"net/netip"
	"testing"

	"paas"
	"paas/store"
)

func TestFilesOfRoutesAreFoundInTheStore(t *testing.T) {
	db, err := store.Open(t.TempDir(), store.Options{SubnetPool: netip.MustParsePrefix("10.83.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	app, err := db.CreateApp("hello", "hello.localhost")
	if err != nil {
		t.Fatal(err)
	}
	other, err := db.CreateApp("other", "other.localhost")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.SetPage(app.ID, paas.Page{Name: paas.PageUnavailable, HTML: "<p>sorry"}); err != nil {
		t.Fatal(err)
	}
	if err := db.AddCertificate(app.ID, paas.OwnCertificate{Names: []string{"www.example.com"}, PEM: []byte("chain and key")}); err != nil {
		t.Fatal(err)
	}
	p := &platform{store: db}
	for _, content := range []string{"<p>sorry", "chain and key"} {
		name := paas.FileName([]byte(content))
		if data, err := p.routeFile(app.ID, name); err != nil || string(data) != content {
			t.Errorf("got %q %v", data, err)
		}
		if _, err := p.routeFile(other.ID, name); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("another app gets it: %v", err)
		}
	}
}
