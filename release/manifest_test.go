package release

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// pushWith deploys image with what an app.json asks for.
func (w *world) pushWith(image string, m paas.Manifest) (paas.Release, string, error) {
	w.t.Helper()
	app := must(w.db.AppByName("hello"))(w.t)
	b := must(w.db.AppendBuild(paas.Build{App: app.ID, Commit: "1a2b3c4d5e", Manifest: m}))(w.t)
	b.Status, b.Image, b.Types = paas.BuildSucceeded, paas.Image{ID: image}, hello
	var out progressLog
	rel, err := w.Deploy(paas.WithUser(context.Background(), "ada"), app.ID, b, &out)
	return rel, out.String(), err
}

func (w *world) mustPushWith(image string, m paas.Manifest) (paas.Release, string) {
	w.t.Helper()
	rel, out, err := w.pushWith(image, m)
	if err != nil {
		w.t.Fatalf("push %s: %v\n%s", image, err, out)
	}
	return rel, out
}

func (w *world) config() paas.Config {
	w.t.Helper()
	config, _, err := w.Config(context.Background(), "hello")
	if err != nil {
		w.t.Fatal(err)
	}
	return config
}

func ptr[T any](v T) *T { return &v }

func wantSays(t *testing.T, out string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(out, line) {
			t.Errorf("it does not say %q, but:\n%s", line, out)
		}
	}
}

func TestAnAppGetsTheConfigVarsThatItLacksInTheSameRelease(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.set("LEVEL", "debug"))(t)
		m := paas.Manifest{Env: map[string]paas.EnvVar{
			"LEVEL": {Value: ptr("info")}, "REGION": {Value: ptr("eu-1-of-many")}, "SECRET": {Secret: true},
		}}
		rel, out := w.mustPushWith("img1", m)
		wantSays(t, out, "       Config vars set, since the app lacked them: REGION, SECRET\n")
		config := w.config()
		secret := config["SECRET"]
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(secret) || config["LEVEL"] != "debug" || config["REGION"] != "eu-1-of-many" {
			t.Errorf("config %v", config)
		}
		if strings.Contains(out, secret) || strings.Contains(out, "eu-1-of-many") {
			t.Errorf("values are in the output:\n%s", out)
		}
		if rel.Version != 1 || rel.Description != "Deploy 1a2b3c4" {
			t.Errorf("release %+v", rel)
		}
		detail := must(w.Release(context.Background(), "hello", 1))(t)
		if diff := cmp.Diff([]string{"LEVEL", "REGION", "SECRET"}, detail.Diff.Added[:3]); diff != "" {
			t.Error(diff)
		}

		if _, out = w.mustPushWith("img2", m); strings.Contains(out, "Config vars") || w.config()["SECRET"] != secret {
			t.Errorf("the next deploy touches what is there:\n%s", out)
		}
		m.Env["LATER"] = paas.EnvVar{Value: ptr("")}
		_, out = w.mustPushWith("img3", m)
		wantSays(t, out, "since the app lacked them: LATER\n")
		if v, has := w.config()["LATER"]; !has || v != "" {
			t.Errorf("config %v", w.config())
		}
		must(w.Rollback(context.Background(), "hello", 1, &progressLog{}))(t)
		if diff := cmp.Diff(config, w.config()); diff != "" {
			t.Error("after a rollback:", diff)
		}
	})
}

func TestAFailedDeployLeavesTheConfigAndTheFormationAsTheyWere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		m := paas.Manifest{
			Env: map[string]paas.EnvVar{"SECRET": {Secret: true}}, Formation: paas.Formation{"web": 2}, Postdeploy: "./seed",
		}
		if _, out, err := w.pushWith("crash", m); err == nil || strings.Contains(out, "postdeploy") {
			t.Fatalf("%v\n%s", err, out)
		}
		if config := w.config(); len(config) != 0 {
			t.Errorf("config %v", config)
		}
		if app := must(w.db.AppByName("hello"))(t); len(app.Formation) != 0 {
			t.Errorf("formation %v", app.Formation)
		}
		w.mustPushWith("img1", paas.Manifest{})
		w.wantRunning("web.1 v2")
	})
}

func TestADeployFailsBeforeItsReleaseWhereAConfigVarIsMissing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.set("S3_KEY", "x"))(t)
		m := paas.Manifest{Env: map[string]paas.EnvVar{"S3_KEY": {}, "DATABASE_URL": {}, "TOKEN": {}}}
		_, _, err := w.pushWith("img1", m)
		if paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "requires: DATABASE_URL, TOKEN") ||
			paas.Advice(err) != "try: paas config:set DATABASE_URL=… TOKEN=… -a hello" {
			t.Errorf("%v, %s", err, paas.Advice(err))
		}
		if got := w.ledger(); len(got) != 0 {
			t.Errorf("ledger %v", got)
		}
	})
}

func TestAConfigSetThatWaitsBehindADeployKeepsWhatTheDeploySet(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		set := make(chan error, 1)
		go func() {
			_, err := w.set("LEVEL", "debug")
			set <- err
		}()
		w.mustPushWith("img2", paas.Manifest{Env: map[string]paas.EnvVar{"LEVEL": {Value: ptr("info")}, "REGION": {Value: ptr("eu")}}})
		if err := <-set; err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(paas.Config{"LEVEL": "debug", "REGION": "eu"}, w.config()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAFormationIsForTypesThatNobodyHasScaled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		_, out := w.mustPushWith("img1", paas.Manifest{Formation: paas.Formation{"web": 2}})
		wantSays(t, out, "Scaled web=2, as app.json has it")
		w.wantRunning("web.1 v1", "web.2 v1")

		must(w.Scale(context.Background(), "hello", paas.Formation{"web": 1}, &progressLog{}))(t)
		_, out = w.mustPushWith("img2", paas.Manifest{Formation: paas.Formation{"web": 2, "worker": 1}})
		wantSays(t, out, "web stays at 1; app.json's 2 is for apps that were not scaled yet", "Scaled worker=1, as app.json has it")
		w.wantRunning("web.1 v2", "worker.1 v2")

		w.mustPushWith("img3", paas.Manifest{Formation: paas.Formation{"worker": 0}})
		w.wantRunning("web.1 v3", "worker.1 v3")
		must(w.Rollback(context.Background(), "hello", 1, &progressLog{}))(t)
		w.wantRunning("web.1 v4", "worker.1 v4")
	})
}

func TestPostdeployRunsOnceAfterTheFirstReleaseThatSucceeds(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		m := paas.Manifest{Postdeploy: "./seed $REGION-secret", Env: map[string]paas.EnvVar{"REGION": {Value: ptr("eu-1-of-many")}}}
		if _, _, err := w.pushWith("crash", m); err == nil {
			t.Fatal("it did not crash")
		}
		rel, out := w.mustPushWith("img1", m)
		wantSays(t, out, "v2 is live", "-----> Running the postdeploy script: ./seed $REGION-secret\n", "  | ./seed ********-secret\n",
			"The postdeploy script is done (run.1)")
		if strings.Index(out, "is live") > strings.Index(out, "postdeploy") {
			t.Errorf("it runs before the app serves:\n%s", out)
		}
		wantSays(t, w.logs.text(), "run.1]: ./seed eu-1-of-many-secret")
		runs := must(w.Runs(context.Background(), "hello", 50))(t)
		if len(runs) != 1 || runs[0].Release != rel.Version || runs[0].Status != paas.RunExited || *runs[0].ExitCode != 0 || runs[0].User != "ada" {
			t.Errorf("runs %+v", runs)
		}
		w.mustPushWith("img2", m)
		must(w.Rollback(context.Background(), "hello", 2, &progressLog{}))(t)
		if runs = must(w.Runs(context.Background(), "hello", 50))(t); len(runs) != 1 {
			t.Errorf("it ran again: %+v", runs)
		}
	})
}

func TestAPostdeployThatFailsIsToldAndTheReleaseServes(t *testing.T) {
	for name, c := range map[string]struct{ command, says, status string }{
		"exit":    {"exit", "The postdeploy script failed: it exited with status 7", "exited"},
		"timeout": {"sleep", "The postdeploy script failed: run.1 was stopped: it took longer than 15m0s", "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.create()
				began := time.Now()
				rel, out := w.mustPushWith("img1", paas.Manifest{Postdeploy: c.command})
				wantSays(t, out, " !     "+c.says, "v1 serves all the same, and the script does not run again by itself: paas run -a hello -- '"+c.command+"'")
				if took := time.Since(began); took > 16*time.Minute {
					t.Errorf("it took %s", took)
				}
				if rel.Status != paas.ReleaseSucceeded {
					t.Errorf("release %+v", rel)
				}
				w.wantRunning("web.1 v1")
				runs := must(w.Runs(context.Background(), "hello", 50))(t)
				if len(runs) != 1 || string(runs[0].Status) != c.status {
					t.Errorf("runs %+v", runs)
				}
			})
		})
	}
}
