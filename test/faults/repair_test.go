package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
	"paas/test/report"
)

// repairTime is what a repair may take.
const repairTime = 10 * time.Second

func TestF5WhatSomebodyDidToTheEngineIsRepaired(t *testing.T) {
	p := suite.Prove(t, "F-5", "somebody removes instances by hand, or starts strays with our labels: repaired within 10 s")
	a := p.Deployed(platform.Fixture{Procfile: platform.TwoTypes})
	a.Do("paas", "scale", "web=2", "worker=1")
	load := a.Load("/", steady)
	var worst time.Duration
	repaired := func(what string, since time.Time) {
		took := time.Since(since)
		if worst = max(worst, took); took > repairTime {
			p.Errorf("%s is repaired after %s", what, took)
		}
	}
	for _, name := range []string{"worker.1", "web.2"} {
		old := a.Container(name)
		began := time.Now()
		p.Engine("rm", "--force", old.ID)
		a.Replaced(old)
		repaired(name, began)
	}
	before := a.Slots()
	for what, labels := range map[string]map[string]string{
		"a second web.1":            {},
		"a web.7":                   {"paas.instance": "web.7"},
		"a web.1 of another v9":     {"paas.release": "9"},
		"an instance of no app":     {"paas.app-id": "nobody", "paas.app": "nobody"},
		"one of another generation": {"paas.generation": "12"},
	} {
		began := time.Now()
		id := stray(p, a, labels)
		platform.WaitFor(p, platform.Patience, what+" to go", func() error {
			if _, err := p.Docker("inspect", id); err == nil {
				return platform.ErrNotYet
			}
			return nil
		})
		repaired(what, began)
	}
	for _, e := range clean(p, load).Answers {
		if strings.HasPrefix(e.Body, "stray") {
			p.Fatal("a stray has answered a request")
		}
	}
	p.Figure("repaired within %.1f s", worst.Seconds())
	a.WantUp("web.1", "web.2", "worker.1")
	if diff := cmp.Diff(before, a.Slots()); diff != "" {
		p.Errorf("a stray took the place of an instance: %s", diff)
	}
}

// stray starts by hand what looks like web.1 of the app but for these labels, and returns its id.
func stray(p *report.Proof, a *platform.App, but map[string]string) string {
	p.Helper()
	like := a.Container("web.1")
	labels := map[string]string{}
	p.OK(json.Unmarshal([]byte(a.Inspect(like.ID, "{{json .Config.Labels}}")), &labels))
	maps.Copy(labels, but)
	args := []string{
		"run", "--detach", "--init", "--network", a.Inspect(like.ID, "{{.HostConfig.NetworkMode}}"), "--env", "PAAS_INSTANCE=stray", "--env", "PORT=5000",
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		args = append(args, "--label", key+"="+labels[key])
	}
	return strings.TrimSpace(p.Engine(append(args, like.Image, "/probe", "web")...))
}

func TestF6ADroppedPushIsCanceled(t *testing.T) {
	p := suite.Prove(t, "F-6", "the pusher's ssh is killed in a build: canceled, and the queue free, within 5 s")
	a := p.Deployed(platform.Fixture{})
	load := a.Load("/", steady)
	building(p, a)
	ssh := processes(p.Admin.Key, fmt.Sprintf("git-receive-pack '/%s'", a.Name)) // not the shell that git runs it by
	if len(ssh) != 1 {
		p.Fatalf("these look like the pusher's ssh: %d", ssh)
	}
	began := time.Now()
	p.OK(syscall.Kill(ssh[0], syscall.SIGKILL))
	platform.WaitFor(p, 5*time.Second, "the build to be canceled", func() error {
		var list []platform.BuildRecord
		if err := a.Peek("builds", &list); err != nil {
			return err
		}
		if list[0].Status != "canceled" || len(processes(buildMark(p, a))) > 0 {
			return errors.New(list[0].Status)
		}
		return nil
	})
	p.Figure("canceled after %.1f s", time.Since(began).Seconds())
	a.Write("Dockerfile", platform.ProbeDockerfile)
	a.Commit("Builds")
	a.Push().Says("v2 is live")
	clean(p, load)
	a.Get("/").Must(p, 200, "web.1 v2")
}

// processes are those of the machine that have all of the words as arguments.
func processes(words ...string) (ids []int) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	for _, line := range lines {
		content, err := os.ReadFile(line)
		args := strings.Split(string(content), "\x00")
		if err != nil || slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(args, w) }) {
			continue // gone since, or another
		}
		var id int
		if _, err := fmt.Sscanf(line, "/proc/%d/cmdline", &id); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
