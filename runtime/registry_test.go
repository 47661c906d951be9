package runtime

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"paas"
	"paas/test/hub"
)

func login(host string) paas.RegistryLogin {
	return paas.RegistryLogin{Registry: paas.Registry{Host: host, User: hub.User}, Password: hub.Password}
}

// newPushing is a runtime whose images go to a place in a registry.
func newPushing(t *testing.T, place string, logins ...paas.RegistryLogin) *Docker {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := New(Options{
		Installation: newID(), Log: log, Registry: place, Logins: func() ([]paas.RegistryLogin, error) { return logins, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		clean(d)
		d.Close()
	})
	return d
}

func TestAnImageIsPushedPulledAndCollected(t *testing.T) {
	t.Parallel()
	r := hub.Start(t, true)
	d := newPushing(t, r.Host+"/team", login(r.Host))
	spec := imageSpec()
	var s steps
	built, err := d.BuildImage(t.Context(), tree(t, "EXPOSE 8000", `CMD ["/probe", "wait"]`, "LABEL unique="+newID()), spec, s.add)
	if err != nil {
		t.Fatal(err)
	}
	prefix := r.Host + "/team/hello@sha256:"
	if !strings.HasPrefix(built.Ref, prefix) || len(built.Ref) != len(prefix)+64 {
		t.Errorf("it is known as %q", built.Ref)
	}
	if got := s.outputOf(t, "[push] "+r.Host+"/team/hello:b4"); !strings.Contains(got, ": Pushed\n") {
		t.Errorf("the push says %q", got)
	}
	found, err := d.inspectImage(t.Context(), built.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.RepoTags) != 1 || !strings.HasPrefix(found.RepoTags[0], d.repository("")) {
		t.Errorf("it is left with the names %v", found.RepoTags)
	}
	if err := d.RemoveImage(t.Context(), built.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.inspectImage(t.Context(), built.ID); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("it cannot be collected: %v", err)
	}

	for _, ref := range []string{r.Host + "/team/hello:b4", built.Ref} {
		spec.Build++
		var bases []paas.BaseImage
		pulled, err := d.PullImage(t.Context(), ref, spec, func(e paas.BuildEvent) {
			if e.Base != (paas.BaseImage{}) {
				bases = append(bases, e.Base)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if pulled.Ref != built.Ref || pulled.Port != 8000 {
			t.Errorf("%s is %+v", ref, pulled)
		}
		if len(bases) != 1 || !strings.HasSuffix(built.Ref, "@"+bases[0].Digest) {
			t.Errorf("its base is %v", bases)
		}
		images, err := d.Images(t.Context(), spec.App)
		if err != nil || len(images) != 1 || images[0].ID != pulled.ID {
			t.Errorf("the app has %v, %v", images, err)
		}
		if _, err := d.inspectImage(t.Context(), built.Ref); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("the name that it was pulled by is left: %v", err)
		}
		if err := d.RemoveImage(t.Context(), pulled.ID); err != nil {
			t.Error(err)
		}
	}
}

func TestAPrivateBaseImageIsHadWithTheLogin(t *testing.T) {
	t.Parallel()
	r := hub.Start(t, true)
	d := newPushing(t, r.Host+"/base", login(r.Host))
	spec := imageSpec()
	built, err := d.BuildImage(t.Context(), tree(t, "LABEL unique="+newID()), spec, func(paas.BuildEvent) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.RemoveImage(t.Context(), built.ID); err != nil {
		t.Fatal(err)
	}
	from := "FROM " + r.Host + "/base/hello:b4"
	_, err = newDocker(t).BuildImage(t.Context(), tree(t, from, `RUN ["/probe", "exit", "0"]`), imageSpec(), func(paas.BuildEvent) {})
	wantCode(t, err, paas.Failed)
	if !strings.HasSuffix(err.Error(), ": registry "+r.Host+" refuses access to it") || !strings.HasSuffix(paas.Advice(err), "paas registry:login "+r.Host+" -u USER") {
		t.Errorf("%v\n%s", err, paas.Advice(err))
	}
	var bases []paas.BaseImage
	_, err = newPushing(t, "", login(r.Host)).BuildImage(t.Context(), tree(t, from, `RUN ["/probe", "exit", "0"]`), imageSpec(), func(e paas.BuildEvent) {
		if e.Base != (paas.BaseImage{}) {
			bases = append(bases, e.Base)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(bases) != 1 || bases[0].Ref != r.Host+"/base/hello:b4" || !strings.HasSuffix(built.Ref, "@"+bases[0].Digest) {
		t.Errorf("the base images are %v, of %s", bases, built.Ref)
	}
}

func TestABaseImageThatOnlyThisHostHasIsKnownByItsID(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	var bases []paas.BaseImage
	base := d.repository("local") + ":1"
	if _, err := d.client.ImageTag(t.Context(), client.ImageTagOptions{Source: probeImage.ID, Target: base}); err != nil {
		t.Fatal(err)
	}
	_, err := d.BuildImage(t.Context(), tree(t, "FROM "+base, "LABEL a=b"), imageSpec(), func(e paas.BuildEvent) {
		if e.Base != (paas.BaseImage{}) {
			bases = append(bases, e.Base)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(bases) != 1 || bases[0] != (paas.BaseImage{Ref: "docker.io/" + base, Digest: probeImage.ID}) {
		t.Errorf("the base images are %v", bases)
	}
	d.forget(t.Context(), base)
}

func TestWhatARegistryRefusesIsSaidInOneSentence(t *testing.T) {
	t.Parallel()
	r, open, away := hub.Start(t, true), hub.Start(t, false), hub.Start(t, false)
	away.Stop(t)
	wrong := login(r.Host)
	wrong.Password = "wrong"
	for name, c := range map[string]struct {
		logins []paas.RegistryLogin
		ref    string
		code   paas.Code
		says   string
		hint   string
	}{
		"no login":    {nil, r.Host + "/a/b:1", paas.Failed, "registry " + r.Host + " refuses access to image " + r.Host + "/a/b:1", "try: paas registry:login " + r.Host + " -u USER"},
		"wrong login": {[]paas.RegistryLogin{wrong}, r.Host + "/a/b:1", paas.Failed, "refuses access", "try: paas registry:login " + r.Host + " -u USER"},
		"no image":    {nil, open.Host + "/a/b:1", paas.NotFound, "there is no image " + open.Host + "/a/b:1", "hint: check its name"},
		"no digest":   {nil, open.Host + "/a/b@sha256:" + strings.Repeat("a", 64), paas.NotFound, "there is no image", "hint: check its name"},
		"away":        {nil, away.Host + "/a/b:1", paas.Unavailable, "registry " + away.Host + " cannot be reached", "hint: check the name of the registry"},
		"no host":     {nil, "registry.invalid/a/b:1", paas.Unavailable, "registry registry.invalid cannot be reached", "hint: check the name of the registry"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newPushing(t, "", c.logins...).PullImage(t.Context(), c.ref, imageSpec(), func(paas.BuildEvent) {})
			wantCode(t, err, c.code)
			if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(paas.Advice(err), c.hint) {
				t.Errorf("%v\n%s", err, paas.Advice(err))
			}
		})
	}
}

func TestWhatIsNoReferenceDoesNotReachTheEngine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	marker := filepath.Join(dir, "marker")
	d, err := New(Options{Installation: newID(), Host: "unix://" + filepath.Join(dir, "nothing.sock")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, ref := range []string{
		"", "-x", "--all", "a;touch " + marker, "a\nb", "a b", "$(touch " + marker + ")", "`touch " + marker + "`", "A", "../x", "/x", "a:", "a@sha256:1",
		"a|touch " + marker, "http://a/b", strings.Repeat("a", 2000), strings.Repeat("a", 64),
	} {
		_, err := d.PullImage(t.Context(), ref, imageSpec(), func(paas.BuildEvent) {})
		if paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%q: %v", ref, err)
		}
	}
	if _, err := os.Stat(marker); !os.IsNotExist(err) {
		t.Errorf("a reference was run: %v", err)
	}
	for _, place := range []string{"apps", "-x/y", "h.example/A", "h.example/a b", "https://h.example/a", "h.example/a:1"} {
		if _, err := New(Options{Installation: "x", Registry: place}); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("place %q: %v", place, err)
		}
	}
}

func TestAPushThatFailsFailsTheBuild(t *testing.T) {
	t.Parallel()
	r, away := hub.Start(t, true), hub.Start(t, false)
	away.Stop(t)
	for name, c := range map[string]struct{ host, says, hint, output string }{
		"no login": {r.Host, "registry " + r.Host + " does not take image " + r.Host + "/x/hello:b4", "try: paas registry:login " + r.Host + " -u USER", ""},
		"away":     {away.Host, "could not be pushed", "hint: check that registry " + away.Host + " answers this host", "attempt 2 of 3 failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newPushing(t, c.host+"/x")
			var s steps
			_, err := d.BuildImage(t.Context(), tree(t, "LABEL unique="+newID()), imageSpec(), s.add)
			wantCode(t, err, paas.Failed)
			if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(paas.Advice(err), c.hint) {
				t.Errorf("%v\n%s", err, paas.Advice(err))
			}
			if got := s.outputOf(t, "[push] "); !strings.Contains(got, c.output) {
				t.Errorf("the push says %q", got)
			}
		})
	}
}

func TestALoginIsTriedAtItsRegistry(t *testing.T) {
	t.Parallel()
	r, away := hub.Start(t, true), hub.Start(t, false)
	away.Stop(t)
	d := newDocker(t)
	if err := d.CheckLogin(t.Context(), login(r.Host)); err != nil {
		t.Error(err)
	}
	wrong := login(r.Host)
	wrong.Password = "wr0ng-password"
	err := d.CheckLogin(t.Context(), wrong)
	if paas.CodeOf(err) != paas.Invalid || strings.Contains(err.Error()+paas.Advice(err), wrong.Password) {
		t.Errorf("a wrong password: %v", err)
	}
	if err := d.CheckLogin(t.Context(), login(away.Host)); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(paas.Advice(err), "--no-verify") {
		t.Errorf("away: %v", err)
	}
}
