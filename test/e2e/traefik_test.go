package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paas/test/platform"
)

// From paas's own router to Traefik and back, by a restart of paasd: the same apps answer, and nothing of the other router
// is left.
func TestMovingToTraefikAndBack(t *testing.T) {
	t.Parallel()
	image, err := platform.TraefikImage()
	if err != nil {
		t.Fatal(err)
	}
	p := platform.Start(t, platform.Options{})
	app := p.App(t, platform.Fixture{})
	app.Push()
	containers := func() string {
		return docker(t, p, append([]string{"ps", "--all", "--format", "{{.Names}}", "--filter", "name=paas-"}, "--filter", "label=paas.installation="+p.Installation(), "--filter", "label=paas.service")...)
	}
	routers := func(want string) {
		t.Helper()
		platform.WaitFor(t, platform.Patience, "only "+want, func() error {
			if got := strings.TrimSpace(containers()); got != want+"-"+p.Installation() {
				return platform.ErrNotYet
			}
			return app.Get("/").Want(http.StatusOK, "web.1")
		})
	}
	routers("paas-router")

	load := app.Load("/", platform.Rate{New: 20})
	if err := p.Restart("PAAS_ROUTER=traefik", "PAAS_TRAEFIK_IMAGE="+image); err != nil {
		t.Fatal(err)
	}
	routers("paas-traefik")
	t.Logf("moving over took %s without an answer", load.Stop().Stall())
	app.Commit("Second")
	app.Push().Says("v2 is live")
	app.Get("/").Must(t, http.StatusOK, "web.1 v2")
	if mounts := app.Inspect("paas-traefik-"+p.Installation(), "{{range .Mounts}}{{.Source}} {{end}}"); strings.TrimSpace(mounts) != filepath.Join(p.DataDir(), "router", "traefik") {
		t.Errorf("Traefik sees %s", mounts)
	}
	app.Do("paas", "maintenance:on")
	app.Get("/").Must(t, http.StatusServiceUnavailable, "maintenance")
	app.Do("paas", "maintenance:off")

	// Without paasd apps answer, and what they asked is in the log once it is back.
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	app.Get("/?while-it-was-away").Must(t, http.StatusOK, "web.1 v2")
	p.Get("nosuch", "/").Must(t, http.StatusBadGateway)
	if err := p.Serve("PAAS_ROUTER=traefik", "PAAS_TRAEFIK_IMAGE="+image); err != nil {
		t.Fatal(err)
	}
	app.WantLog("router[", `path="/?while-it-was-away"`, "status=200", "instance=web.1")
	p.Get("nosuch", "/").Must(t, http.StatusNotFound)

	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	routers("paas-router")
	if _, err := os.Stat(filepath.Join(p.DataDir(), "router", "traefik", "dynamic")); !os.IsNotExist(err) {
		t.Errorf("its configuration is left: %v", err)
	}
	app.Get("/").Must(t, http.StatusOK, "web.1 v2")
}
