package store

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestDomainsAreSortedAndTheAppsOwn(t *testing.T) {
	db := open(t, t.TempDir())
	a, b := must(db.CreateApp("a", ""))(t), must(db.CreateApp("b", ""))(t)
	for _, host := range []string{"www.example.com", "example.com", "*.example.com"} {
		check(t, db.AddDomain(a.ID, host, ""))
	}
	if diff := cmp.Diff([]string{"*.example.com", "example.com", "www.example.com"}, must(db.Domains(a.ID))(t)); diff != "" {
		t.Error(diff)
	}
	if hosts := must(db.Domains(b.ID))(t); hosts == nil || len(hosts) != 0 {
		t.Errorf("domains of b: %#v", hosts)
	}
	check(t, db.RemoveDomain(a.ID, "example.com"))
	check(t, db.AddDomain(b.ID, "example.com", ""))
	if diff := cmp.Diff([]string{"example.com"}, must(db.Domains(b.ID))(t)); diff != "" {
		t.Error(diff)
	}
	check(t, db.bolt.View(invariants))
}

func TestAHostOfAnotherAppIsAConflictThatNamesIt(t *testing.T) {
	db := open(t, t.TempDir())
	owner, other := must(db.CreateApp("owner", ""))(t), must(db.CreateApp("other", ""))(t)
	check(t, db.AddDomain(owner.ID, "www.example.com", ""))
	for _, c := range []struct{ host, label string }{{"www.example.com", ""}, {"owner.localhost", "owner"}} {
		err := db.AddDomain(other.ID, c.host, c.label)
		wantCode(t, err, paas.Conflict)
		if !strings.Contains(err.Error(), "app owner") {
			t.Errorf("%q does not name the owner", err)
		}
		wantCode(t, db.AddDomain(owner.ID, c.host, c.label), paas.Conflict)
	}
	wantCode(t, db.RemoveDomain(other.ID, "www.example.com"), paas.NotFound)
	wantCode(t, db.RemoveDomain(owner.ID, "nosuch.example.com"), paas.NotFound)
	check(t, db.AddDomain(other.ID, "free.localhost", "free"))
}
