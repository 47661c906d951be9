package release

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paas"
)

func TestALedgerVerifiesUntilSomebodyAltersIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		if check := must(w.VerifyReleases(ctx, "hello"))(t); check != (paas.LedgerCheck{Verified: true}) {
			t.Errorf("before the first release: %+v", check)
		}
		w.mustPush("img1")
		must(w.set("A", "1"))(t)
		if _, _, err := w.push("crash", hello); err == nil {
			t.Error("it does not crash")
		}
		if check := must(w.VerifyReleases(ctx, "hello"))(t); check != (paas.LedgerCheck{Releases: 3, Verified: true}) {
			t.Errorf("%+v", check)
		}
		w.alter(`"user":"ada","version":1`, `"user":"eve","version":1`)
		_, err := w.VerifyReleases(ctx, "hello")
		if paas.CodeOf(err) != paas.Failed || !strings.HasPrefix(err.Error(), "release v1 does not verify") {
			t.Errorf("altered: %v", err)
		}
		if _, err := w.VerifyReleases(ctx, "bye"); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("no such app: %v", err)
		}
	})
}

// alter changes the store's file behind its back; both texts have the same length.
func (w *world) alter(from, to string) {
	w.t.Helper()
	w.halt()
	file := filepath.Join(w.dir, "paas.db")
	data := must(os.ReadFile(file))(w.t)
	if !bytes.Contains(data, []byte(from)) {
		w.t.Fatalf("the store has no %s", from)
	}
	if err := os.WriteFile(file, bytes.ReplaceAll(data, []byte(from), []byte(to)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.boot()
}
