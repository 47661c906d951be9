package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"paas/test/platform"
)

// app is an app with what a user reads of it.
type app struct {
	*platform.App
	proof *proof
}

// app makes an app, with nothing deployed, destroyed with the proof.
func (p *proof) app(f platform.Fixture) *app {
	p.Helper()
	a := &app{p.App(p, f), p}
	p.Cleanup(func() {
		p.leave()
		if err := a.destroy(); err != nil {
			p.Errorf("destroy %s: %v", a.Name, err)
		}
	})
	return a
}

// deployed makes an app and pushes it.
func (p *proof) deployed(f platform.Fixture) *app {
	p.Helper()
	a := p.app(f)
	a.Push()
	return a
}

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
	all, err := a.proof.Containers(a.Name)
	a.proof.ok(err)
	return slices.DeleteFunc(all, func(c platform.Container) bool { return c.State != "running" })
}

// running are the containers that run in a slot.
func (a *app) running(name string) []platform.Container {
	a.proof.Helper()
	return slices.DeleteFunc(a.containers(), func(c platform.Container) bool { return c.Name != name })
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

// address is where an instance listens, past the router.
func (a *app) address(name string) string {
	a.proof.Helper()
	return a.inspect(a.container(name).ID, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}") + ":5000"
}

// direct asks one instance, past the router.
func (a *app) direct(name, method, path, body string) platform.Answer {
	a.proof.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.address(name)+path, strings.NewReader(body))
	a.proof.ok(err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return platform.Answer{Request: method + " " + path, Err: err}
	}
	defer resp.Body.Close()
	return read(resp)
}

// logs are the lines kept so far; args select.
func (a *app) logs(args ...string) string {
	a.proof.Helper()
	return a.Do(append([]string{"paas", "logs", "-n", "10000"}, args...)...).Stdout
}
