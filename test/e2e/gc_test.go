package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"paas"
	"paas/store"
	"paas/test/platform"
)

// paas gc, on an app with a long past and the rest of one that is gone: what nobody can go back to goes, and nothing else.
func garbageCollected(t *testing.T) {
	p := platform.Start(t, platform.Options{})
	app := p.App(t, platform.Fixture{})
	app.Push()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	images := longPast(t, p, app.Name)
	if err := p.Serve(); err != nil {
		t.Fatal(err)
	}
	app.Get("/").Must(t, 200, "web.1 v")

	orphan := label(p, "paas.app-id=goneforever")
	orphans := importImage(t, p, "orphan", orphan)
	dead := docker(t, p, append(append([]string{"create"}, orphan...), "--label", "paas.instance=run.7", "--label", "paas.process=run", orphans, "/x")...)
	foreign := importImage(t, p, "foreign", []string{"--label", "paas.installation=elsewhere", "--label", "paas.app-id=goneforever"})
	volume := docker(t, p, append([]string{"volume", "create"}, label(p)...)...)
	t.Cleanup(func() {
		docker(t, p, "rmi", foreign)
		docker(t, p, "volume", "rm", volume)
	})

	would := collection(t, p, "--dry-run")
	wantCollected(t, "a dry run would free", would.Freed, 6, 1) // v2 to v6, and the orphan
	wantCollected(t, "and keep", would.Kept, 20, 0)
	there(t, p, append(images, orphans, foreign)...)

	did := collection(t, p)
	wantCollected(t, "freed", did.Freed, 6, 1)
	wantCollected(t, "kept", did.Kept, 20, 0)
	there(t, p, append(images[5:], foreign)...)
	for _, id := range append(images[:5], orphans) {
		if _, err := p.Docker("image", "inspect", id); err == nil {
			t.Errorf("image %s is still there", id)
		}
	}
	if _, err := p.Docker("inspect", "--type", "container", dead); err == nil {
		t.Error("the dead container is still there")
	}
	docker(t, p, "volume", "inspect", volume)
	wantCollected(t, "freed by another", collection(t, p).Freed, 0, 0)

	app.Get("/").Must(t, 200, "web.1 v")
	app.Do("paas", "rollback", "--dry-run", "v7").Says("v7")
	app.Run("paas", "rollback", "v6").Want(4).Says("no longer on this host")
	app.Commit("Second")
	app.Push()
}

// longPast gives a stopped paasd's app 25 releases of two months ago, each with an image of its own but the last, whose
// image is the app's own. It returns those images, the oldest first.
func longPast(t *testing.T, p *platform.Platform, name string) []string {
	t.Helper()
	then := time.Now().Add(-60 * 24 * time.Hour)
	db, err := store.Open(p.DataDir(), store.Options{Now: func() time.Time { return then }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	app, err := db.AppByName(name)
	if err != nil {
		t.Fatal(err)
	}
	first, err := db.Release(app.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for n := range 25 {
		next := paas.Release{App: app.ID, Description: "Long ago", User: "ada", Image: first.Image, Types: first.Types, Build: first.Build}
		if n < 24 {
			next.Image.ID = importImage(t, p, fmt.Sprintf("past-%d", n), label(p, "paas.app-id="+app.ID))
			images = append(images, next.Image.ID)
		}
		made, err := db.AppendRelease(next, paas.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.FinishRelease(app.ID, made.Version, paas.Outcome{Status: paas.ReleaseSucceeded}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return images
}

// label makes the flags that mark something as the installation's own.
func label(p *platform.Platform, more ...string) []string {
	var flags []string
	for _, l := range append(more, "paas.installation="+p.Installation()) {
		flags = append(flags, "--label", l)
	}
	return flags
}

// importImage makes an image of one file, which has the image's name in it.
func importImage(t *testing.T, p *platform.Platform, name string, labels []string) string {
	t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	if err := w.WriteHeader(&tar.Header{Name: "name", Mode: 0o644, Size: int64(len(name))}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, name)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	args := []string{"import"}
	for i := 1; i < len(labels); i += 2 {
		args = append(args, "--change", "LABEL "+labels[i])
	}
	cmd := exec.CommandContext(t.Context(), "docker", append(args, "-", "paas-"+p.Installation()+"/"+name+":"+p.Installation())...)
	cmd.Stdin = &content
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// docker runs the docker command and returns what it prints.
func docker(t *testing.T, p *platform.Platform, args ...string) string {
	t.Helper()
	out, err := p.Docker(args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

func there(t *testing.T, p *platform.Platform, images ...string) {
	t.Helper()
	for _, id := range images {
		docker(t, p, "image", "inspect", id)
	}
}

func collection(t *testing.T, p *platform.Platform, flags ...string) paas.Collection {
	t.Helper()
	r := p.Do(t, append([]string{"paas", "gc", "--json"}, flags...)...)
	var found paas.Collection
	if err := json.Unmarshal([]byte(r.Stdout), &found); err != nil {
		t.Fatalf("%v\n%s", err, r)
	}
	return found
}

func wantCollected(t *testing.T, what string, rows []paas.Collected, images, instances int) {
	t.Helper()
	got := map[paas.CollectedKind]int{}
	for _, r := range rows {
		got[r.Kind] = r.Count
	}
	if got[paas.CollectedImages] != images || got[paas.CollectedInstances] != instances {
		t.Errorf("%s %v, want %d images, %d instances", what, rows, images, instances)
	}
}
