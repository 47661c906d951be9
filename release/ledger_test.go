package release

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func TestTheFirstReleaseAddsAllThatItHas(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.set("A", "1"))(t)
		w.mustPush("img1")
		want := paas.ReleaseDiff{Added: []string{"A", "type web", "type worker", "image"}, Removed: []string{}, Changed: []string{}}
		if diff := cmp.Diff(want, must(w.Release(context.Background(), "hello", 1))(t).Diff); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAPreviewOfARollbackIsWhatTheRollbackDoes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		w.mustPush("img1")
		must(w.set("OLD", "x", "BOTH", "old"))(t)
		if _, _, err := w.push("img2", hello[:1]); err != nil {
			t.Fatal(err)
		}
		must(w.set("BOTH", "new", "NEW", "y"))(t)
		before := w.ledger()
		preview := must(w.PreviewRollback(ctx, "hello", 2))(t)
		want := paas.ReleaseDiff{Added: []string{"type worker"}, Removed: []string{"NEW"}, Changed: []string{"BOTH", "image"}}
		if diff := cmp.Diff(want, preview.Diff); diff != "" || preview.Current != 4 || preview.Target.Version != 2 || preview.Target.Current {
			t.Errorf("%+v: %s", preview, diff)
		}
		if diff := cmp.Diff(before, w.ledger()); diff != "" {
			t.Errorf("it did something: %s", diff)
		}
		w.wantRunning("web.1 v4")
		if preview := must(w.PreviewRollback(ctx, "hello", 0))(t); preview.Target.Version != 3 {
			t.Errorf("the newest succeeded before the current: %+v", preview.Target)
		}
		rel := must(w.Rollback(ctx, "hello", 2, &progressLog{}))(t)
		if diff := cmp.Diff(want, must(w.Release(ctx, "hello", rel.Version))(t).Diff); diff != "" {
			t.Errorf("previewed (-) and done (+): %s", diff)
		}
	})
}

func TestAPreviewIsRefusedAsTheRollbackWouldBe(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		refused := func(to int) {
			t.Helper()
			before := w.ledger()
			_, want := w.Rollback(ctx, "hello", to, &progressLog{})
			_, got := w.PreviewRollback(ctx, "hello", to)
			if want == nil || got == nil || got.Error() != want.Error() || paas.CodeOf(got) != paas.CodeOf(want) {
				t.Errorf("to %d: the rollback says %v, its preview %v", to, want, got)
			}
			if diff := cmp.Diff(before, w.ledger()); diff != "" {
				t.Errorf("to %d: %s", to, diff)
			}
		}
		refused(0)
		w.mustPush("img1-gone")
		refused(0)
		if _, _, err := w.push("crash", hello); err == nil {
			t.Error("it does not crash")
		}
		w.mustPush("img2")
		for _, to := range []int{0, 1, 2, 3, 99, -1} { // 1: its image is gone; 2: it failed; 3: it is current
			refused(to)
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
