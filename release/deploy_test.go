package release

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestFirstDeployStartsOneWeb(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.wantRouted("H81")
		rel, out, err := w.push("img1", hello)
		if err != nil || rel.Version != 1 || rel.Status != paas.ReleaseSucceeded {
			t.Fatalf("%+v %v", rel, err)
		}
		if !strings.Contains(out, "v1 is live: http://hello.localhost/") {
			t.Errorf("progress:\n%s", out)
		}
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		if !w.instance("web.1").kept {
			t.Error("Docker would not restart web.1 while paasd is away")
		}
	})
}

func TestConfigBeforeTheFirstDeployGoesIntoV1(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		change, err := w.set("A", "1")
		if err != nil || change.Release != nil {
			t.Fatalf("%+v %v", change, err)
		}
		w.mustPush("img1")
		if env := w.instance("web.1").spec.Env; !slices.Contains(env, "A=1") || !slices.Contains(env, "PORT=5000") {
			t.Errorf("env %q", env)
		}
		if diff := cmp.Diff([]string{"succeeded Deploy 1a2b3c4 (current)"}, w.ledger()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestConfigSetIsOneReleaseAndNoneWhenNothingChanges(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		change, err := w.set("B", "2", "A", "1")
		if err != nil || change.Release == nil || change.Release.Description != "Set A, B config vars" || !change.Release.Current {
			t.Fatalf("%+v %v", change, err)
		}
		again, err := w.set("A", "1")
		if err != nil || again.Release != nil || len(again.Set) != 0 {
			t.Fatalf("%+v %v", again, err)
		}
		w.wantRunning("web.1 v2")
		w.wantRouted("", "web.1")
	})
}

func TestTwoConfigSetsAtOnceBothSurvive(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		var wg sync.WaitGroup
		for _, key := range []string{"A", "B", "C"} {
			wg.Go(func() {
				if _, err := w.set(key, "1"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		config, version, err := w.Config(context.Background(), "hello")
		if diff := cmp.Diff(paas.Config{"A": "1", "B": "1", "C": "1"}, config); diff != "" || err != nil {
			t.Error(diff, err)
		}
		_, err = w.SetConfig(context.Background(), "hello", paas.ConfigPatch{"A": nil}, version-1, &progressLog{})
		if paas.CodeOf(err) != paas.Stale {
			t.Errorf("a stale If-Match: %v", err)
		}
	})
}

func TestAFailedDeployChangesNothing(t *testing.T) {
	for _, c := range []struct{ name, image, want string }{
		{"exit at boot", "crash", "exited with status 1 at boot"},
		{"never listens", "mute", "did not listen on port 5000 ($PORT) within 1m0s: connection refused; it listens on 127.0.0.1:5000 only"},
		{"one of two types", "crash-not-web", "worker.1 exited with status 1 at boot"},
		{"release command", "norelease", "the release command exited with status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.create()
				w.mustPush("img1")
				must(w.Scale(context.Background(), "hello", paas.Formation{"web": 2, "worker": 1}, &progressLog{}))(t)
				before := w.runtime.running()
				types := append(slices.Clone(hello), paas.ProcessType{Name: "release", Command: "./migrate"})
				rel, out, err := w.push(c.image, types)
				if paas.CodeOf(err) != paas.Failed || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "v1 goes on serving") {
					t.Errorf("error %v\n%s", err, out)
				}
				if rel.Version != 2 {
					t.Errorf("version %d", rel.Version)
				}
				w.wantRunning(before...)
				w.wantRouted("", "web.1", "web.2")
				if _, err := w.set("A", "1"); err != nil {
					t.Fatal(err)
				}
				if got := w.instance("web.1").spec.Image.ID; got != "img1" {
					t.Errorf("config:set after a failed deploy ships %s", got)
				}
				want := []string{"succeeded Deploy 1a2b3c4", "failed Deploy 1a2b3c4", "succeeded Set A config vars (current)"}
				if diff := cmp.Diff(want, w.ledger()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestAnExitAtBootFailsAtOnceAndSaysItsLastWords(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		began := time.Now()
		_, out, err := w.push("crash", hello)
		if took := time.Since(began); err == nil || took > time.Second {
			t.Errorf("took %s: %v", took, err)
		}
		if !strings.Contains(out, "its last words") {
			t.Errorf("progress:\n%s", out)
		}
		w.wantRunning()
		w.wantRouted("H81")
	})
}

func TestASlowReleaseGetsNoRequestBeforeItListens(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		done := make(chan error, 1)
		go func() {
			_, _, err := w.push("slow", hello)
			done <- err
		}()
		pass(5 * time.Second)
		w.wantRunning("web.1 v1", "web.1 v2")
		w.wantRouted("", "web.1")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		w.wantRunning("web.1 v2")
		w.wantRouted("", "web.1")
	})
}

func TestRollbackBringsBackImageConfigAndTypes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.set("A", "old"))(t)
		if _, _, err := w.push("img2", hello[:1]); err != nil {
			t.Fatal(err)
		}
		must(w.set("A", "new"))(t)
		rel := must(w.Rollback(context.Background(), "hello", 2, &progressLog{}))(t)
		if rel.Version != 5 || rel.Description != "Rollback to v2" || rel.Image != "img1" || !rel.Current {
			t.Errorf("%+v", rel)
		}
		if env := w.instance("web.1").spec.Env; !slices.Contains(env, "A=old") {
			t.Errorf("env %q", env)
		}
		rel = must(w.Rollback(context.Background(), "hello", 0, &progressLog{}))(t)
		if rel.Description != "Rollback to v4" {
			t.Errorf("the newest succeeded before the current: %+v", rel)
		}
		for _, to := range []int{6, 99, -1} {
			if _, err := w.Rollback(context.Background(), "hello", to, &progressLog{}); err == nil {
				t.Errorf("rollback to %d", to)
			}
		}
	})
}

func TestACanceledDeployLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_, err := w.Deploy(ctx, app.ID, paas.Build{Commit: "2", Image: paas.Image{ID: "slow"}, Types: hello}, &progressLog{})
		if paas.CodeOf(err) != paas.Canceled {
			t.Error(err)
		}
		w.wantRunning("web.1 v1")
		w.mustPush("img3")
		w.wantRunning("web.1 v3")
	})
}

func TestSecretsAreMaskedInReportsAndNotes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.set("SECRET", "its last words"))(t)
		_, out, err := w.push("crash", hello)
		detail := must(w.Release(context.Background(), "hello", 1))(t)
		for what, text := range map[string]string{"progress": out, "error": err.Error(), "ledger": detail.Error, "log": w.logs.text()} {
			if strings.Contains(text, "its last words") {
				t.Errorf("%s holds the secret: %s", what, text)
			}
		}
	})
}

func TestASubnetThatTheHostUsesIsPassedOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		first := must(w.db.AppByName("hello"))(t).Subnet
		w.runtime.taken = first
		w.mustPush("img1")
		if used := w.instance("web.1").spec.Subnet; used.Overlaps(first) {
			t.Errorf("web.1 is on %s", used)
		}
		w.runtime.taken = netip.MustParsePrefix("10.0.0.0/8")
		if _, err := w.set("A", "1"); paas.CodeOf(err) != paas.Unavailable && paas.CodeOf(err) != paas.Conflict {
			t.Errorf("everything is taken: %v", err)
		}
		w.wantRunning("web.1 v1")
	})
}
