package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// PS is what `paas ps` says.
func (a *App) PS() (p Processes) {
	a.t.Helper()
	a.JSON(&p, "paas", "ps")
	return p
}

// Releases are newest first.
func (a *App) Releases() (list []Release) {
	a.t.Helper()
	a.JSON(&list, "paas", "releases")
	return list
}

// Release is what `paas releases:info` says of one.
func (a *App) Release(version int) (r ReleaseInfo) {
	a.t.Helper()
	a.JSON(&r, "paas", "releases:info", "v"+strconv.Itoa(version))
	return r
}

// Builds are newest first.
func (a *App) Builds() (list []BuildRecord) {
	a.t.Helper()
	a.JSON(&list, "paas", "builds")
	return list
}

// Config is the app's config vars.
func (a *App) Config() (c map[string]string) {
	a.t.Helper()
	a.JSON(&c, "paas", "config")
	return c
}

// WantReleases fails the test unless that many were made, the newest described so; "" for however.
func (a *App) WantReleases(n int, description string) {
	a.t.Helper()
	list := a.Releases()
	if len(list) != n {
		a.t.Fatalf("%s has %d releases, not %d: %+v", a.Name, len(list), n, list)
	}
	if description != "" && list[0].Description != description {
		a.t.Fatalf("v%d is described as %q, not %q", n, list[0].Description, description)
	}
}

// Logs are the lines kept so far; args select.
func (a *App) Logs(args ...string) string {
	a.t.Helper()
	return a.Do(append([]string{"paas", "logs", "-n", "10000"}, args...)...).Stdout
}

// Env is the whole environment of a web instance.
func (a *App) Env() (env map[string]string) {
	a.t.Helper()
	a.ask("/env", &env)
	return env
}

// Value is one variable of a web instance's environment.
func (a *App) Value(key string) string {
	a.t.Helper()
	return a.Get("/env?key="+key).Must(a.t, http.StatusOK).Body
}

// Who is what a web instance says of itself.
func (a *App) Who() (w Who) {
	a.t.Helper()
	a.ask("/who", &w)
	return w
}

func (a *App) ask(path string, v any) {
	a.t.Helper()
	answer := a.Get(path).Must(a.t, http.StatusOK)
	if err := json.Unmarshal([]byte(answer.Body), v); err != nil {
		a.t.Fatal(err)
	}
}

// Containers of the app that run, runs included.
func (a *App) Containers() []Container {
	a.t.Helper()
	all, err := a.p.Containers(a.Name)
	if err != nil {
		a.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(c Container) bool { return c.State != "running" })
}

// In are the containers that run in a slot.
func (a *App) In(name string) []Container {
	a.t.Helper()
	return slices.DeleteFunc(a.Containers(), func(c Container) bool { return c.Name != name })
}

// Inspect asks the engine about a container.
func (a *App) Inspect(id, format string) string {
	a.t.Helper()
	out, err := a.p.Docker("inspect", "--format", format, id)
	if err != nil {
		a.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// Address is where an instance listens, past the router.
func (a *App) Address(name string) string {
	a.t.Helper()
	return a.Inspect(a.Container(name).ID, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}") + ":5000"
}

// Direct asks one instance, past the router.
func (a *App) Direct(name, method, path, body string) Answer {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+a.Address(name)+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	return send(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, req)
}

// Fails commits and pushes what must not deploy.
func (a *App) Fails(message string) Result {
	a.t.Helper()
	a.Commit(message)
	r := a.Run("git", "push", "paas", "main")
	if r.Code == 0 {
		a.t.Fatalf("the push succeeds\n%s", r)
	}
	return r
}
