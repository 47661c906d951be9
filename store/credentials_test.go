package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestAKeyIsFoundUntilItIsRemoved(t *testing.T) {
	db := open(t, t.TempDir())
	if all := must(db.Keys())(t); all == nil || len(all) != 0 {
		t.Errorf("keys of an empty store: %#v", all)
	}
	ada := paas.Key{Name: "ada", Fingerprint: "SHA256:a", Public: "ssh-ed25519 AAAA", CreatedAt: time.Unix(1, 0).UTC()}
	bob := paas.Key{Name: "bob", Fingerprint: "SHA256:b"}
	check(t, db.AddKey(bob))
	check(t, db.AddKey(ada))
	wantCode(t, db.AddKey(paas.Key{Name: "ada", Fingerprint: "SHA256:c"}), paas.Conflict)
	wantCode(t, db.AddKey(paas.Key{Name: "eve", Fingerprint: "SHA256:a"}), paas.Conflict)
	bob.CreatedAt = db.timestamp()
	if diff := cmp.Diff([]paas.Key{ada, bob}, must(db.Keys())(t)); diff != "" {
		t.Error(diff)
	}
	for _, got := range []paas.Key{must(db.KeyByFingerprint("SHA256:a"))(t), must(db.RemoveKey("ada"))(t)} {
		if diff := cmp.Diff(ada, got); diff != "" {
			t.Error(diff)
		}
	}
	_, err := db.KeyByFingerprint("SHA256:a")
	wantCode(t, err, paas.NotFound)
	_, err = db.RemoveKey("ada")
	wantCode(t, err, paas.NotFound)
	check(t, db.AddKey(ada))
	check(t, db.bolt.View(invariants))
}

func TestATokenIsFoundUntilItIsRemoved(t *testing.T) {
	db := open(t, t.TempDir())
	ci := paas.Token{Name: "ci", User: "ada", Sum: "5f", CreatedAt: time.Unix(1, 0).UTC()}
	check(t, db.AddToken(ci))
	wantCode(t, db.AddToken(paas.Token{Name: "ci", Sum: "60"}), paas.Conflict)
	wantCode(t, db.AddToken(paas.Token{Name: "cd", Sum: "5f"}), paas.Conflict)
	for _, got := range []paas.Token{must(db.Tokens())(t)[0], must(db.TokenBySum("5f"))(t), must(db.RemoveToken("ci"))(t)} {
		if diff := cmp.Diff(ci, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, sum := range []string{"5f", ""} {
		_, err := db.TokenBySum(sum)
		wantCode(t, err, paas.NotFound)
	}
	_, err := db.RemoveToken("ci")
	wantCode(t, err, paas.NotFound)
}
