package e2e

import (
	"strings"
	"sync"
	"testing"

	"paas/test/platform"
)

// Two pushes from two clones at once go one after the other, and the later one is told.
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
