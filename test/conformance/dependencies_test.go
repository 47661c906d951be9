package conformance

import (
	"encoding/json"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

func TestII1AProcessSeesItsImageOnly(t *testing.T) {
	p := prove(t, "II-1", "a process sees its image only: no host path, no docker.sock")
	a := p.deployed(platform.Fixture{})
	w := a.Who()
	for _, point := range w.Mounts {
		if !ofTheEngine(point) {
			p.Errorf("%s is mounted in the container", point)
		}
	}
	if w.EngineSocket {
		p.Error("the engine's socket is in the container")
	}
	a.Get("/read?path="+filepath.Join(p.Dir, "paasd.log")).Must(p, http.StatusBadRequest, "no such file")
	c := a.Container("web.1")
	if seen := a.Inspect(c.ID, "{{json .HostConfig.Binds}} {{json .Mounts}} {{.HostConfig.Privileged}} {{.HostConfig.PidMode}}"); seen != "null [] false" {
		p.Errorf("binds, mounts, privileges and pid mode are %s", seen)
	}
}

// ofTheEngine says whether every container has such a mount point.
func ofTheEngine(point string) bool {
	own := []string{"/", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts", "/sbin/docker-init", "/dev/init"}
	if slices.Contains(own, point) {
		return true
	}
	return slices.ContainsFunc([]string{"/proc", "/sys", "/dev"}, func(dir string) bool {
		return point == dir || strings.HasPrefix(point, dir+"/")
	})
}

func TestII2RestartAndRunNeedNoRegistry(t *testing.T) {
	gate := openGate(t)
	p := proveAlone(t, "II-2", "with the network and registries gone, restart and run still work", platform.Options{Env: []string{"DOCKER_HOST=" + gate.url()}})
	base := "paas-" + p.Installation() + "-base"
	a := p.app(platform.Fixture{
		Dockerfile: "FROM " + base + "\nCOPY probe /probe\nCMD [\"/probe\", \"web\"]\n", Files: map[string]string{"note": "base"},
	})
	a.Write("base/Dockerfile", "FROM scratch\nCOPY note /note\n")
	a.Write("base/note", a.Name)
	p.Engine("build", "--quiet", "--label", "paas.installation="+p.Installation(), "--tag", base, filepath.Join(a.Dir, "base"))
	a.Push()
	p.Engine("rmi", base)
	gate.cut()
	old := a.Container("web.1")
	a.Do("paas", "restart")
	a.Replaced(old)
	a.Get("/read?path=/note").Must(p, http.StatusOK, a.Name)
	if r := a.Do("paas", "run", "--", "/probe", "env", "PAAS_RELEASE"); r.Stdout != "1" {
		p.Errorf("the run says %q", r.Stdout)
	}
	if tried := gate.refused(); len(tried) > 0 {
		p.Errorf("paasd asked the engine for the network: %q", tried)
	}
}

func TestII3NothingToBuildFromIsRefused(t *testing.T) {
	p := prove(t, "II-3", "a repository with nothing to build from: the push fails loudly, no release")
	a := p.app(platform.Fixture{NoProbe: true, Files: map[string]string{"README": "hello"}})
	a.Do("git", "rm", "--quiet", "Dockerfile", "Procfile")
	a.Commit("Nothing to build from")
	r := a.Run("git", "push", "paas", "main").Says("Dockerfile")
	if r.Code == 0 {
		p.Fatalf("the push succeeds\n%s", r)
	}
	a.WantReleases(0, "")
}

// showEnv is a Dockerfile that prints a build's environment in a step that is never cached.
const showEnv = "FROM scratch\nCOPY probe /probe\nCOPY nonce /nonce\nRUN [\"/probe\", \"env\"]\nCMD [\"/probe\", \"web\"]\n"

func TestII4PaasdsEnvironmentStaysItsOwn(t *testing.T) {
	p := prove(t, "II-4", "a variable of paasd's own environment reaches neither an app nor a build")
	a := p.app(platform.Fixture{Dockerfile: showEnv})
	a.Write("nonce", p.Dir+a.Name)
	a.Commit("A step of its own")
	pushed := a.Push().Says(`"PATH":`) // the step has run
	a.Get("/").Must(p, http.StatusOK)
	for what, text := range map[string]string{
		"the build": pushed.String(), "the app": a.Get("/env").Body, "a run": a.Do("paas", "run", "--", "/probe", "env").Stdout,
	} {
		if strings.Contains(text, platform.DaemonSecret) || strings.Contains(text, "PAASD_SECRET") {
			p.Errorf("%s has paasd's variable: %s", what, text)
		}
	}
	known := []string{"PATH", "HOME", "HOSTNAME", "PORT", "PAAS_APP", "PAAS_RELEASE", "PAAS_COMMIT", "PAAS_INSTANCE"}
	for key := range a.Env() {
		if !slices.Contains(known, key) {
			p.Errorf("%s is in an app's environment", key)
		}
	}
}

func TestII5WithAndWithoutCacheTheSame(t *testing.T) {
	p := prove(t, "II-5", "built with and without cache: same types, command, files")
	fixture := platform.Fixture{
		Dockerfile: "FROM scratch\nCOPY nonce /nonce\nCOPY . /src/\nCOPY probe /probe\nRUN [\"/probe\", \"exit\"]\nCMD [\"/probe\", \"web\"]\n",
		Procfile:   "web: /probe web\nworker: /probe worker\n",
		Files:      map[string]string{"nonce": p.Dir, "dir/file": "content"},
	}
	cold, warm := p.app(fixture), p.app(fixture)
	if r := cold.Push(); strings.Contains(r.Stderr, "cached") {
		p.Fatalf("the first build is from the cache\n%s", r)
	}
	if r := warm.Push(); !strings.Contains(strings.ToLower(r.Stderr), "cached") {
		p.Fatalf("the second build is not from the cache\n%s", r)
	}
	if diff := cmp.Diff(cold.Release(1).ProcessTypes, warm.Release(1).ProcessTypes); diff != "" {
		p.Errorf("the process types differ:\n%s", diff)
	}
	if diff := cmp.Diff(p.imageOf(cold), p.imageOf(warm)); diff != "" {
		p.Errorf("the images differ:\n%s", diff)
	}
	if cold.Who().Binary != warm.Who().Binary {
		p.Error("the programs differ")
	}
}

// imageOf is what decides how an image behaves: layers, command, user and environment.
func (p *proof) imageOf(a *app) map[string]string {
	p.Helper()
	var parts map[string]json.RawMessage
	p.OK(json.Unmarshal([]byte(p.Engine("image", "inspect", "--format", `{"layers": {{json .RootFS.Layers}}, "cmd": {{json .Config.Cmd}}, `+
		`"entrypoint": {{json .Config.Entrypoint}}, "user": {{json .Config.User}}, "env": {{json .Config.Env}}, "dir": {{json .Config.WorkingDir}}}`,
		a.Release(1).Image)), &parts))
	texts := map[string]string{}
	for _, key := range slices.Collect(maps.Keys(parts)) {
		texts[key] = string(parts[key])
	}
	return texts
}
