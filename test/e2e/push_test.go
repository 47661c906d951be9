package e2e

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"paas/test/platform"
)

// slowly is a build whose step goes on until it is stopped.
const slowly = "FROM scratch\nCOPY probe /probe\nRUN [\"/probe\", \"worker\"]\n"

func pushed(t *testing.T, p *platform.Platform) {
	t.Run("from two clones at once, one after the other and the later one told", func(t *testing.T) {
		t.Parallel()
		twoClones(t, p)
	})
	t.Run("a build whose ssh is dropped frees the queue", func(t *testing.T) {
		t.Parallel()
		dropped(t, p)
	})
}

func twoClones(t *testing.T, p *platform.Platform) {
	app := p.App(t, platform.Fixture{})
	app.Push()
	clones := []string{t.TempDir(), t.TempDir()}
	for i, dir := range clones {
		app.Do("git", "clone", "--quiet", "--origin", "paas", p.SSHURL()+"/"+app.Name, dir)
		app.Exec(platform.Cmd{Dir: dir, Args: []string{"git", "commit", "--quiet", "--allow-empty", "-m", "clone " + string(rune('a'+i))}}).Want(0)
	}
	results := make([]platform.Result, len(clones))
	var both sync.WaitGroup
	for i, dir := range clones {
		both.Go(func() { results[i] = app.Exec(platform.Cmd{Dir: dir, Args: []string{"git", "push", "paas", "main"}}) })
	}
	both.Wait()

	won := 0
	for _, r := range results {
		if r.Code == 0 {
			won++
		} else if !strings.Contains(r.Stderr, "rejected") && !strings.Contains(r.Stderr, "!") {
			t.Errorf("the later push is told nothing\n%s", r)
		}
	}
	if won != 1 {
		t.Fatalf("%d of two pushes that exclude each other went through\n%s\n%s", won, results[0], results[1])
	}
	app.Get("/").Must(t, 200, "web.1 v2")
	app.Do("paas", "releases").Says("v2\tsucceeded\tcurrent", "v1\tsucceeded")
	if out := app.Do("paas", "releases").Stdout; strings.Contains(out, "v3") {
		t.Errorf("the push that lost has made a release\n%s", out)
	}
}

func dropped(t *testing.T, p *platform.Platform) {
	app := p.App(t, platform.Fixture{})
	app.Push()
	app.Write("Dockerfile", slowly)
	app.Commit("Builds for ever")
	push := p.Command(t.Context(), platform.Cmd{Dir: app.Dir, Args: []string{"git", "push", "paas", "main"}})
	push.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // git and its ssh
	if err := push.Start(); err != nil {
		t.Fatal(err)
	}
	platform.WaitFor(t, 60*time.Second, "the build to run", func() error {
		if out := app.Run("paas", "builds").Stdout; !strings.HasPrefix(out, "2\tbuilding") {
			return errors.New(out)
		}
		return nil
	})
	if err := syscall.Kill(-push.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = push.Wait() // killed
	platform.WaitFor(t, 5*time.Second, "the build to be canceled", func() error {
		if out := app.Run("paas", "builds").Stdout; !strings.HasPrefix(out, "2\tcanceled") {
			return errors.New(out)
		}
		return nil
	})

	app.Write("Dockerfile", platform.ProbeDockerfile)
	app.Commit("Builds")
	app.Push().Says("v2 is live")
	app.Get("/").Must(t, 200, "web.1 v2")
}
