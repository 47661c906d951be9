package conformance

import (
	"net/http"
	"strings"
	"testing"

	"paas/test/platform"
)

func TestI1OneCommitTwoApps(t *testing.T) {
	p := prove(t, "I-1", "one commit in two apps: each has its own config and versions")
	a, b := p.app(platform.Fixture{}), p.app(platform.Fixture{})
	a.Push().Says("v1")
	a.Do("git", "push", strings.TrimSpace(b.Do("git", "remote", "get-url", "paas").Stdout), "main").Says("v1")
	a.Do("paas", "config:set", "WHOSE=a")
	a.Do("paas", "config:set", "ONLY_A=1")
	b.Do("paas", "config:set", "WHOSE=b")

	if of, at := a.Who().Commit, b.Who().Commit; of != at || of == "" {
		p.Errorf("the apps run the commits %q and %q", of, at)
	}
	for _, is := range []struct {
		app                  *app
		whose, onlyA, served string
		releases             int
	}{{a, "a", "1", "web.1 v3", 3}, {b, "b", "", "web.1 v2", 2}} {
		if whose, onlyA := is.app.Value("WHOSE"), is.app.Value("ONLY_A"); whose != is.whose || onlyA != is.onlyA {
			p.Errorf("%s runs with WHOSE=%s ONLY_A=%s", is.app.Name, whose, onlyA)
		}
		is.app.Get("/").Must(p, http.StatusOK, is.served)
		is.app.WantReleases(is.releases, "")
	}
}

func TestI2AnotherBranchIsRefused(t *testing.T) {
	p := prove(t, "I-2", "a push of another branch is refused and names the deploy branch")
	a := p.app(platform.Fixture{})
	r := a.Run("git", "push", "paas", "main:feature").Says("main", "feature")
	if r.Code == 0 {
		p.Fatalf("the push of another branch is taken\n%s", r)
	}
	a.WantReleases(0, "")
	if builds := a.Builds(); len(builds) != 0 {
		p.Errorf("it was built: %+v", builds)
	}
	if refs := a.Do("git", "ls-remote", "paas").Stdout; refs != "" {
		p.Errorf("the branch is there: %s", refs)
	}
}

func TestI3OnlyWhatIsCommittedIsBuilt(t *testing.T) {
	p := prove(t, "I-3", "of a dirty work tree only what is committed is built")
	a := p.app(platform.Fixture{
		Dockerfile: "FROM scratch\nCOPY . /src/\nCOPY probe /probe\n",
		Files:      map[string]string{"note": "committed", "gone": "committed"},
	})
	a.Write("note", "changed")
	a.Write("staged", "new")
	a.Do("git", "add", "staged")
	a.Write("untracked", "new")
	a.Do("rm", "gone")
	a.Push()
	for _, file := range []string{"note", "gone"} {
		if got := a.Get("/read?path=/src/"+file).Must(p, http.StatusOK).Body; got != "committed" {
			p.Errorf("%s holds %q", file, got)
		}
	}
	for _, file := range []string{"staged", "untracked", ".git"} {
		a.Get("/read?path=/src/"+file).Must(p, http.StatusBadRequest, "no such file")
	}
}

func TestI4UnrelatedHistoryNeedsForce(t *testing.T) {
	p := prove(t, "I-4", "unrelated history is refused unless forced")
	a := p.deployed(platform.Fixture{})
	a.Do("git", "checkout", "--quiet", "--orphan", "other")
	other := a.Commit("Another beginning")
	r := a.Run("git", "push", "paas", "other:main").Says("rejected")
	if r.Code == 0 {
		p.Fatalf("unrelated history is taken\n%s", r)
	}
	a.WantReleases(1, "")
	a.Do("git", "push", "--force", "paas", "other:main").Says("v2")
	if runs := a.Who().Commit; runs != other {
		p.Errorf("after the forced push %s runs, not %s", runs, other)
	}
}

func TestI5RollbackLeavesTheBranchAlone(t *testing.T) {
	p := prove(t, "I-5", "rollback leaves the git ref alone; the running commit is shown")
	a := p.deployed(platform.Fixture{})
	first := a.Who().Commit
	second := a.Commit("Second")
	a.Push()
	a.Do("paas", "rollback")
	if refs := a.Do("git", "ls-remote", "paas", "refs/heads/main").Stdout; !strings.HasPrefix(refs, second) {
		p.Errorf("main is %q, not at %s", refs, second)
	}
	if runs := a.Who().Commit; runs != first {
		p.Errorf("%s runs, not %s", runs, first)
	}
	if newest := a.Releases()[0]; newest.Commit != first || !newest.Current || newest.Version != 3 {
		p.Errorf("the newest release is %+v, not v3 of %s", newest, first)
	}
	a.Do("paas", "releases").Says(first[:7])
	a.Commit("Third")
	a.Push().Says("v4")
}
