package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paas/test/hub"
	"paas/test/platform"
)

// An installation that has a registry: what is built is there, and is had from there, with a login that nothing shows.
func TestImagesOfAPrivateRegistry(t *testing.T) {
	t.Parallel()
	r := hub.Start(t, true)
	p := platform.Start(t, platform.Options{Args: []string{"--registry", r.Host + "/team"}})
	app := p.App(t, platform.Fixture{})

	app.Run("git", "push", "paas", "main").Want(1).Says(
		"registry "+r.Host+" does not take image "+r.Host+"/team/"+app.Name+":b1", "paas registry:login "+r.Host+" -u USER")
	app.Exec(platform.Cmd{Args: []string{"paas", "registry:login", r.Host, "-u", hub.User, "--password-stdin"}, Stdin: strings.NewReader("wrong\n")}).
		Want(2).Says("registry " + r.Host + " does not take this user and password")
	app.Exec(platform.Cmd{Args: []string{"paas", "registry:login", r.Host, "-u", hub.User, "--password-stdin"}, Stdin: strings.NewReader(hub.Password + "\n")}).
		Want(0).Says("Logged in to " + r.Host + " as " + hub.User)
	app.Push().Says("[push] "+r.Host+"/team/"+app.Name+":b2", "v1 is live")
	app.Get("/").Must(t, 200, "web.1 v1")

	other := p.App(t, platform.Fixture{Dockerfile: "FROM " + r.Host + "/team/" + app.Name + ":b2\n"})
	other.Push().Says("v1 is live") // a private base image
	other.Get("/").Must(t, 200, "web.1 v1")
	other.Do("paas", "deploy", "--image", r.Host+"/team/"+app.Name+":b2").Says("v2 is live")
	other.Get("/").Must(t, 200, "web.1 v2")

	app.Do("paas", "registries").Says(r.Host + "\t" + hub.User)
	app.Do("paas", "registry:logout", r.Host)
	other.Run("paas", "deploy", "--image", r.Host+"/team/"+app.Name+":b2").Want(6).Says(
		"registry "+r.Host+" refuses access to image", "paas registry:login "+r.Host+" -u USER")
	nowhere(t, p, hub.Password)
}

// nowhere says whether a secret is in no file of paasd's.
func nowhere(t *testing.T, p *platform.Platform, secret string) {
	t.Helper()
	err := filepath.WalkDir(p.DataDir(), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), secret) {
			t.Errorf("the secret is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(p.Log(), secret) {
		t.Error("the secret is in paasd's log")
	}
}
