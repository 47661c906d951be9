package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

func TestXII1ARunIsLikeTheApp(t *testing.T) {
	p := prove(t, "XII-1", "run who: same digest, config, user, workdir; the release is shown")
	a := p.app(platform.Fixture{Dockerfile: "FROM scratch\nWORKDIR /app\nCOPY probe /probe\nUSER 1234:1234\nEXPOSE 5000\nCMD [\"/probe\", \"web\"]\n"})
	a.Do("paas", "config:set", "A=1", "B=two words")
	a.Push()
	var ran platform.Who
	p.OK(json.Unmarshal([]byte(a.Do("paas", "run", "--", "/probe", "who").Says("v1").Stdout), &ran))
	if web := a.Who(); ran.Binary != web.Binary || ran.UID != web.UID || ran.UID != 1234 || ran.Workdir != web.Workdir ||
		ran.Commit != web.Commit || ran.Release != "1" || ran.Instance != "run.1" {
		p.Errorf("the run is %+v, web %+v", ran, web)
	}
	var env map[string]string
	p.OK(json.Unmarshal([]byte(a.Do("paas", "run", "--", "/probe", "env").Stdout), &env))
	web := a.Env()
	for _, own := range []string{"HOSTNAME", "PAAS_INSTANCE", "PORT"} {
		delete(env, own)
		delete(web, own)
	}
	if diff := cmp.Diff(web, env); diff != "" {
		p.Errorf("the environments: %s", diff)
	}
	a.Do("paas", "run", "-d", "--", "/probe", "signals")
	if image, want := a.Container("run.3").Image, a.Releases()[0].Image; image != want {
		p.Errorf("the run's image is %s, the release's %s", image, want)
	}
	a.Do("paas", "run:stop", "run.3")
}

func TestXII2CodesBytesAndTerminal(t *testing.T) {
	p := prove(t, "XII-2", "exit 7 gives 7; piped: no TTY, bytes intact; on a terminal its size is passed")
	a := p.deployed(platform.Fixture{})
	a.Run("paas", "run", "--", "/probe", "exit", "7").Want(7)
	a.Run("paas", "run", "--", "/probe", "exit", "0").Want(0)
	bytesIn := make([]byte, 1<<20)
	_, err := rand.Read(bytesIn)
	p.OK(err)
	piped := a.Exec(platform.Cmd{Args: []string{"paas", "run", "--", "/probe", "cat"}, Stdin: bytes.NewReader(bytesIn)}).Want(0)
	if piped.Stdout != string(bytesIn) {
		p.Errorf("%d bytes went through and %d came back, or others", len(bytesIn), len(piped.Stdout))
	}
	a.Do("paas", "run", "--", "/probe", "tty").Says(`"stdin":false,"stdout":false`)

	cmd := p.Command(p.Context(), platform.Cmd{Args: []string{"paas", "run", "--", "/probe", "tty", "watch"}, Dir: a.Dir})
	person, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 123, Rows: 45})
	p.OK(err)
	defer person.Close()
	var shown writes
	go func() { _, _ = io.Copy(&shown, person) }() // ends with the terminal
	for _, size := range []pty.Winsize{{Cols: 123, Rows: 45}, {Cols: 77, Rows: 20}} {
		p.OK(pty.Setsize(person, &size))
		platform.WaitFor(p, platform.Patience, "the terminal's size", func() error {
			if !strings.Contains(shown.text(), fmt.Sprintf(`"stdin":true,"stdout":true,"cols":%d,"rows":%d`, size.Cols, size.Rows)) {
				return fmt.Errorf("it shows %q", shown.text())
			}
			return nil
		})
	}
	_, err = person.WriteString("\x03") // Ctrl-C is the process's own
	p.OK(err)
	p.OK(cmd.Wait())
}

func TestXII3ARunKeepsItsRelease(t *testing.T) {
	p := prove(t, "XII-3", "a run during a deploy has the release it started with; --release works")
	a := p.app(platform.Fixture{Procfile: "web: /probe web\n"})
	a.Do("paas", "config:set", "STAGE=one", "PROBE_BOOT=15s")
	a.Push()
	a.Do("paas", "run", "-d", "--", "/probe", "signals")
	started := a.Container("run.1")
	a.Write("Procfile", "web: /probe slowboot\n")
	a.Commit("Boots slowly")
	pushed := make(chan platform.Result, 1)
	go func() { pushed <- a.Run("git", "push", "paas", "main") }()
	platform.WaitFor(p, platform.Patience, "v2 under way", func() error {
		var list []platform.Release
		if err := a.Peek("releases", &list); err != nil {
			return err
		}
		if list[0].Version != 2 || list[0].Status != "pending" {
			return platform.ErrNotYet
		}
		return nil
	})
	meanwhile := a.Do("paas", "run", "--", "/probe", "env", "PAAS_RELEASE").Stdout
	still := a.Releases()[0].Status
	(<-pushed).Want(0)
	if meanwhile != "1" || still != "pending" {
		p.Errorf("a run while v2 was %s had the release %s", still, meanwhile)
	}
	a.Do("paas", "config:set", "STAGE=three")
	if now := a.Container("run.1"); now.ID != started.ID || now.Release != "1" {
		p.Errorf("the run of v1 is now %+v", now)
	}
	a.Do("paas", "run:stop", "run.1")
	for version, stage := range map[string]string{"v1": "one", "v3": "three"} {
		if got := a.Do("paas", "run", "--release", version, "--", "/probe", "env", "STAGE").Says(version).Stdout; got != stage {
			p.Errorf("a run on %s has STAGE=%s", version, got)
		}
	}
}

// run is an entry of `paas run:list`.
type run struct {
	Name     string `json:"name"`
	Release  int    `json:"release"`
	Status   string `json:"status"`
	ExitCode *int   `json:"exit_code"`
}

func (a *app) runs() (list []run) {
	a.proof.Helper()
	a.JSON(&list, "paas", "run:list")
	return list
}

func TestXII4ARunIsNoInstance(t *testing.T) {
	p := prove(t, "XII-4", "a run: no requests, not in the formation, not restarted, listed as run.N")
	a := p.deployed(platform.Fixture{})
	a.Do("paas", "run", "-d", "-e", "MINE=1", "--", "/probe", "web")
	c := a.Container("run.1")
	for range 50 {
		a.Get("/").Must(p, http.StatusOK, "web.1")
	}
	a.WantUp("web.1")
	a.Do("paas", "scale", "web=2")
	a.Do("paas", "restart")
	if now := a.Container("run.1"); now.ID != c.ID {
		p.Error("the run was replaced")
	}
	if list := a.runs(); len(list) != 1 || list[0].Name != "run.1" || list[0].Status != "running" || list[0].Release != 1 {
		p.Errorf("the runs are %+v", list)
	}
	p.Engine("kill", "--signal", "KILL", c.ID)
	a.ended("run.1", 137)
	a.WantUp("web.1", "web.2")
}

// ended waits until a run has ended with that code and its container is gone.
func (a *app) ended(name string, code int) {
	a.proof.Helper()
	platform.WaitFor(a.proof, platform.Patience, name+" ended", func() error {
		var list []run
		if err := a.Peek("runs", &list); err != nil {
			return err
		}
		at := slices.IndexFunc(list, func(r run) bool { return r.Name == name })
		if at < 0 || list[at].ExitCode == nil || *list[at].ExitCode != code {
			return fmt.Errorf("the runs are %+v", list)
		}
		for _, c := range a.Containers() {
			if c.Name == name {
				return platform.ErrNotYet
			}
		}
		return nil
	})
}

func TestXII5AnAbandonedRunEnds(t *testing.T) {
	p := prove(t, "XII-5", "client gone: hang-up, gone within the grace; detached: output in the logs, exit status kept")
	a := p.deployed(platform.Fixture{})
	ctx, leave := context.WithCancel(p.Context())
	defer leave()
	cmd := p.Command(ctx, platform.Cmd{Args: []string{"paas", "run", "--", "/probe", "signals"}, Dir: a.Dir})
	var out writes
	cmd.Stdout = &out
	stdin, err := cmd.StdinPipe() // stays open
	p.OK(err)
	defer stdin.Close()
	p.OK(cmd.Start())
	platform.WaitFor(p, platform.Patience, "the run", func() error {
		if !strings.Contains(out.text(), "waiting for signals") {
			return platform.ErrNotYet
		}
		return nil
	})
	c := a.Container("run.1")
	watch, left := p.Watch(p), time.Now()
	leave()
	_ = cmd.Wait() // killed
	platform.WaitFor(p, platform.Patience, "the end of the run", func() error {
		if slices.ContainsFunc(a.Containers(), func(r platform.Container) bool { return r.ID == c.ID }) {
			return platform.ErrNotYet
		}
		return nil
	})
	if took := time.Since(left); took > 15*time.Second {
		p.Errorf("it ended %s after its client", took)
	}
	watch.Await(p, "SIGHUP", platform.Signaled(c.ID, "1"))

	a.Do("paas", "run", "-d", "--", "/probe", "exit", "5")
	a.ended("run.2", 5)
	a.WantLog("app[run.2]: exiting with 5")
}

func TestXII6RunsNeedNoWeb(t *testing.T) {
	p := prove(t, "XII-6", "a run works at web=0 and in maintenance; a process type is expanded")
	a := p.deployed(platform.Fixture{Procfile: "web: /probe web\nworker: /probe say hello\n"})
	a.Do("paas", "scale", "web=0")
	a.Do("paas", "maintenance:on")
	if got := a.Do("paas", "run", "worker", "--once").Stdout; got != "hello --once" {
		p.Errorf("the run says %q", got)
	}
	answer := a.Get("/").Must(p, http.StatusServiceUnavailable)
	if code := answer.Header.Get("X-Paas-Error"); code != "H80" {
		p.Errorf("in maintenance the router answers with %q", code)
	}
	a.Do("paas", "maintenance:off")
	a.Do("paas", "scale", "web=1")
	a.Get("/").Must(p, http.StatusOK, "web.1 v1")
}
