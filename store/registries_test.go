package store

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"paas"
)

func TestLoginsOfRegistriesAreSealed(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	secret := "the password of a registry"
	l := paas.RegistryLogin{Registry: paas.Registry{Host: "b.example:5000", User: "ada", CreatedBy: "eve"}, Password: "before"}
	must(db.PutRegistryLogin(l))(t)
	l.Password = secret
	kept := must(db.PutRegistryLogin(l))(t) // in its place
	if kept.CreatedAt.IsZero() {
		t.Error("it has no time")
	}
	must(db.PutRegistryLogin(paas.RegistryLogin{Registry: paas.Registry{Host: "a.example"}, Password: secret}))(t)
	check(t, db.Close())
	data := must(os.ReadFile(filepath.Join(dir, "paas.db")))(t)
	if bytes.Contains(data, []byte(secret)) || bytes.Contains(data, []byte(base64.StdEncoding.EncodeToString([]byte(secret)))) {
		t.Error("a password is in the file")
	}

	db = open(t, dir)
	all := must(db.RegistryLogins())(t)
	if len(all) != 2 || all[0].Host != "a.example" || all[1].Registry != kept || all[1].Password != secret {
		t.Errorf("got %v", all)
	}
	if text := fmt.Sprintf("%v %+v %#v", all, all[1], all[1]); bytes.Contains([]byte(text), []byte(secret)) {
		t.Errorf("a login is printed as %s", text)
	}
	if got := must(db.RemoveRegistryLogin("b.example:5000"))(t); got != kept {
		t.Errorf("got %+v", got)
	}
	if _, err := db.RemoveRegistryLogin("b.example:5000"); paas.CodeOf(err) != paas.NotFound {
		t.Error(err)
	}
	for i := range maxRegistries - 1 {
		l.Host = fmt.Sprintf("h%d.example", i)
		must(db.PutRegistryLogin(l))(t)
	}
	l.Host = "more.example"
	if _, err := db.PutRegistryLogin(l); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("one too many: %v", err)
	}
}
