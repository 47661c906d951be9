package faults

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"paas/test/platform"
)

// F-2: what Docker's end does to a deployment depends on how far it was; half of one is never left.
func TestF2DockerIsStoppedDuringADeploy(t *testing.T) {
	e, p := ownEngine(t, true, "F-2", "Docker stops in a build, a release command, a boot: the push fails with the reason, half of a release is never left", platform.EngineOptions{})
	second := map[string]map[string]string{ // what the second push of each app waits in
		"the build":           {"Dockerfile": "FROM scratch\nCOPY probe /probe\nRUN [\"/probe\", \"worker\"]\nEXPOSE 5000\n"},
		"the release command": {"Procfile": "web: /probe web\nrelease: /probe worker\n"},
		"the boot":            {"Procfile": "web: /probe slowboot\n"},
	}
	reached := map[string]string{"the build": "tick 1", "the release command": "tick 1", "the boot": "Starting web.1"}
	apps := map[string]*platform.App{}
	for at := range second {
		apps[at] = p.App(platform.Fixture{})
		apps[at].Push()
	}
	pushes := map[string]*push{}
	for at, files := range second {
		for name, content := range files {
			apps[at].Write(name, content)
		}
		apps[at].Commit("Second")
		pushes[at] = startPush(t, p.Platform, apps[at])
	}
	for at, push := range pushes {
		platform.WaitFor(t, time.Minute, at, func() error { return push.says(reached[at]) })
	}
	platform.WaitFor(t, time.Minute, "the boot to have begun", func() error {
		return booting(p.Platform, apps["the boot"].Name)
	})
	if err := e.Stop(); err != nil {
		p.Fatal(err)
	}
	for at, push := range pushes {
		if push.wait() == nil {
			p.Errorf("a push in %s succeeded without Docker", at)
		}
		for _, text := range []string{"the Docker engine does not answer", "systemctl status docker"} {
			if err := push.says(text); err != nil {
				p.Errorf("a push in %s: %v", at, err)
			}
		}
		apps[at].Do("paas", "config") // the app is not stuck
	}
	if err := e.Start(); err != nil {
		p.Fatal(err)
	}
	for at, app := range apps {
		wantFleet(t, p.Platform, app.Name, "1", "web.1")
		app.Get("/").Must(t, 200, "web.1 v1")
		releases := app.Do("paas", "releases").Stdout
		if strings.Contains(releases, "pending") || !strings.Contains(releases, "v1\tsucceeded") {
			p.Errorf("after a push in %s the releases are\n%s", at, releases)
		}
		app.Write("Dockerfile", platform.ProbeDockerfile)
		app.Write("Procfile", "web: /probe web\n")
		app.Commit("Third")
		app.Push().Says("is live")
	}
}

// booting is nil once an instance of the second release runs.
func booting(p *platform.Platform, app string) error {
	all, err := p.Containers(app)
	for _, c := range all {
		if c.Release == "2" && c.State == "running" {
			return nil
		}
	}
	return errors.Join(err, fmt.Errorf("%d containers, none of v2", len(all)))
}

// push is a git push under way.
type push struct {
	done chan struct{}
	err  error // once done

	mu   sync.Mutex
	text strings.Builder
}

func startPush(t *testing.T, p *platform.Platform, app *platform.App) *push {
	t.Helper()
	r := &push{done: make(chan struct{})}
	cmd := p.Command(t.Context(), platform.Cmd{Args: []string{"git", "push", "paas", "main"}, Dir: app.Dir})
	cmd.Stdout, cmd.Stderr = r, r
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.err = cmd.Wait()
		close(r.done)
	}()
	return r
}

func (r *push) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *push) says(text string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !strings.Contains(r.text.String(), text) {
		return fmt.Errorf("it does not say %q:\n%s", text, r.text.String())
	}
	return nil
}

// wait returns how the push ended.
func (r *push) wait() error {
	select {
	case <-r.done:
		return r.err
	case <-time.After(time.Minute):
		return errors.Join(r.says("\x00it ended"))
	}
}
