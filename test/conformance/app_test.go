package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"paas/test/platform"
)

// patience is what a condition gets that should hold within a moment on a machine that is not busy.
const patience = 40 * time.Second

// app is an app with what a user reads of it.
type app struct {
	*platform.App
	proof *proof
}

// app makes an app, with nothing deployed.
func (p *proof) app(f platform.Fixture) *app {
	p.Helper()
	return &app{p.App(p, f), p}
}

// deployed makes an app and pushes it.
func (p *proof) deployed(f platform.Fixture) *app {
	p.Helper()
	a := p.app(f)
	a.Push()
	return a
}

// The JSON that the command line promises.
type (
	processes struct {
		Formation []struct {
			Type     string `json:"type"`
			Quantity int    `json:"quantity"`
			Command  string `json:"command"`
		} `json:"formation"`
		Instances []instance `json:"instances"`
	}
	instance struct {
		Name          string     `json:"name"`
		Type          string     `json:"type"`
		State         string     `json:"state"`
		Release       int        `json:"release"`
		Restarts      int        `json:"restarts"`
		ExitCode      *int       `json:"exit_code"`
		Reason        string     `json:"reason"`
		NextRestartAt *time.Time `json:"next_restart_at"`
	}
	release struct {
		Version     int      `json:"version"`
		Status      string   `json:"status"`
		Current     bool     `json:"current"`
		Description string   `json:"description"`
		Image       string   `json:"image"`
		Commit      string   `json:"commit"`
		ConfigKeys  []string `json:"config_keys"`
		User        string   `json:"user"`
	}
	releaseInfo struct {
		release
		Build        int               `json:"build"`
		ProcessTypes map[string]string `json:"process_types"`
		Error        string            `json:"error"`
	}
	build struct {
		ID     int    `json:"id"`
		Status string `json:"status"`
		Commit string `json:"commit"`
		Image  string `json:"image"`
	}
	run struct {
		Name     string `json:"name"`
		Release  int    `json:"release"`
		Status   string `json:"status"`
		ExitCode *int   `json:"exit_code"`
	}
	// who is what a process says of itself.
	who struct {
		Instance     string   `json:"instance"`
		Release      string   `json:"release"`
		Commit       string   `json:"commit"`
		UID          int      `json:"uid"`
		Workdir      string   `json:"workdir"`
		Binary       string   `json:"binary"`
		Mounts       []string `json:"mounts"`
		EngineSocket bool     `json:"engine_socket"`
	}
)

func (a *app) ps() (p processes) {
	a.proof.Helper()
	a.JSON(&p, "paas", "ps")
	return p
}

// releases are newest first.
func (a *app) releases() (list []release) {
	a.proof.Helper()
	a.JSON(&list, "paas", "releases")
	return list
}

func (a *app) release(version int) (r releaseInfo) {
	a.proof.Helper()
	a.JSON(&r, "paas", "releases:info", "v"+strconv.Itoa(version))
	return r
}

func (a *app) builds() (list []build) {
	a.proof.Helper()
	a.JSON(&list, "paas", "builds")
	return list
}

func (a *app) config() (c map[string]string) {
	a.proof.Helper()
	a.JSON(&c, "paas", "config")
	return c
}

// wantReleases fails unless that many were made, the newest first one being described so.
func (a *app) wantReleases(n int, description string) {
	a.proof.Helper()
	list := a.releases()
	if len(list) != n {
		a.proof.Fatalf("%s has %d releases, not %d: %+v", a.Name, len(list), n, list)
	}
	if description != "" && list[0].Description != description {
		a.proof.Fatalf("v%d is described as %q, not %q", n, list[0].Description, description)
	}
}

// up is every instance that ps shows as up, by name.
func (p processes) up() []string {
	var names []string
	for _, i := range p.Instances {
		if i.State == "up" {
			names = append(names, i.Name)
		}
	}
	return names
}

// of is the instance of that name that is not on its way out.
func (p processes) of(name string) (instance, bool) {
	for _, i := range p.Instances {
		if i.Name == name && i.State != "draining" && i.State != "stopping" {
			return i, true
		}
	}
	return instance{}, false
}

// wantUp waits until exactly the named instances are there, all of them up.
func (a *app) wantUp(names ...string) {
	a.proof.Helper()
	platform.WaitFor(a.proof, patience, "exactly "+strings.Join(names, ", "), func() error {
		p := a.ps()
		if len(p.Instances) != len(names) || !slices.Equal(p.up(), names) {
			return fmt.Errorf("ps shows %s", describe(p.Instances))
		}
		return nil
	})
}

func describe(list []instance) string {
	var texts []string
	for _, i := range list {
		texts = append(texts, fmt.Sprintf("%s v%d %s", i.Name, i.Release, i.State))
	}
	return strings.Join(texts, ", ")
}

// env is the whole environment of a web instance.
func (a *app) env() (env map[string]string) {
	a.proof.Helper()
	a.ask("/env", &env)
	return env
}

// value is one variable of a web instance's environment.
func (a *app) value(key string) string {
	a.proof.Helper()
	return a.Get("/env?key="+key).Must(a.proof, http.StatusOK).Body
}

func (a *app) who() (w who) {
	a.proof.Helper()
	a.ask("/who", &w)
	return w
}

func (a *app) ask(path string, v any) {
	a.proof.Helper()
	answer := a.Get(path).Must(a.proof, http.StatusOK)
	a.proof.ok(json.Unmarshal([]byte(answer.Body), v))
}

// containers of the app that run, runs included.
func (a *app) containers() []platform.Container {
	a.proof.Helper()
	all, err := a.proof.Containers("")
	a.proof.ok(err)
	return slices.DeleteFunc(all, func(c platform.Container) bool {
		return c.State != "running" || !slices.Contains(c.Env, "PAAS_APP="+a.Name)
	})
}

// container is the one that runs in a slot.
func (a *app) container(name string) platform.Container {
	a.proof.Helper()
	var found []platform.Container
	platform.WaitFor(a.proof, patience, "one container of "+name, func() error {
		found = slices.DeleteFunc(a.containers(), func(c platform.Container) bool { return c.Name != name })
		if len(found) != 1 {
			return fmt.Errorf("there are %d", len(found))
		}
		return nil
	})
	return found[0]
}

func (a *app) inspect(id, format string) string {
	a.proof.Helper()
	return strings.TrimSpace(a.proof.docker("inspect", "--format", format, id))
}

func (p *proof) docker(args ...string) string {
	p.Helper()
	out, err := p.Docker(args...)
	p.ok(err)
	return out
}

// direct asks one instance, past the router.
func (a *app) direct(name, method, path, body string) platform.Answer {
	a.proof.Helper()
	c := a.container(name)
	ip := a.inspect(c.ID, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
	if ip == "" {
		a.proof.Fatalf("%s (%s) has no address\n%s\n%s", name, c.ID[:12], a.proof.docker("ps", "-a", "--filter", "label=paas.installation="+a.proof.Installation()), a.logs())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+ip+":5000"+path, strings.NewReader(body))
	a.proof.ok(err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return platform.Answer{Request: method + " " + path, Err: err}
	}
	defer resp.Body.Close()
	return read(resp)
}

// restarted waits until another container than this runs in its slot, and is up.
func (a *app) restarted(old platform.Container) {
	a.proof.Helper()
	platform.WaitFor(a.proof, patience, "a fresh "+old.Name, func() error {
		for _, c := range a.containers() {
			if c.Name == old.Name && c.ID != old.ID && slices.Contains(a.ps().up(), old.Name) {
				return nil
			}
		}
		return fmt.Errorf("ps shows %s", describe(a.ps().Instances))
	})
}

// logs are the lines kept so far; args select.
func (a *app) logs(args ...string) string {
	a.proof.Helper()
	return a.Do(append([]string{"paas", "logs", "-n", "10000"}, args...)...).Stdout
}

// wantLog waits until the log has a line with all of the texts.
func (a *app) wantLog(texts ...string) {
	a.proof.Helper()
	platform.WaitFor(a.proof, patience, fmt.Sprintf("a line with %q", texts), func() error {
		log := a.logs()
		for line := range strings.Lines(log) {
			if !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(line, t) }) {
				return nil
			}
		}
		return fmt.Errorf("the log is\n%s", log)
	})
}

// crashed is nil when ps shows the slot as crashed.
func (a *app) crashed(name string) error {
	a.proof.Helper()
	p := a.ps()
	if i, there := p.of(name); !there || i.State != "crashed" {
		return fmt.Errorf("ps shows %s", describe(p.Instances))
	}
	return nil
}
