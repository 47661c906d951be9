package faults

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

func TestR1SetDeployRollback(t *testing.T) {
	p := suite.Prove(t, "R-1", "set, deploy, rollback: one release each, described; code and config come back together")
	a := p.Deployed(platform.Fixture{Dockerfile: platform.CodeDockerfile, Files: map[string]string{"code": "one"}})
	load := a.Load("/read?path=/code", steady)
	first := a.Who().Commit
	a.Do("paas", "config:set", "MODE=old")
	a.Write("code", "two")
	second := a.Commit("Second")
	a.Push()
	a.Do("paas", "config:set", "MODE=new")
	a.Do("paas", "rollback", "v2").Says("v5")
	p.Figure("rolled back in %.1f s", a.Release(5).Took())
	clean(p, load)
	var told []string
	for _, r := range a.Releases() {
		told = append(told, r.Description)
	}
	want := []string{"Rollback to v2", "Set MODE config vars", "Deploy " + second[:7], "Set MODE config vars", "Deploy " + first[:7]}
	if diff := cmp.Diff(want, told); diff != "" {
		p.Errorf("the ledger: %s", diff)
	}
	if mode, code := a.Value("MODE"), a.Get("/read?path=/code").Body; mode != "old" || code != "one" {
		p.Errorf("MODE=%s runs with the code %q", mode, code)
	}
}

func TestR2RollbackGoesToTheOneBefore(t *testing.T) {
	p := suite.Prove(t, "R-2", "rollback with no argument: the newest succeeded before the current one")
	a := p.Deployed(platform.Fixture{})
	load := a.Load("/", steady)
	a.Do("paas", "config:set", "N=2")
	a.Write("Procfile", platform.BrokenAtBoot)
	a.Fails("Broken at boot") // v3
	a.Do("paas", "config:set", "N=4")
	a.Do("paas", "rollback").Says("v5")
	p.Figure("rolled back in %.1f s", a.Release(5).Took())
	clean(p, load)
	a.WantReleases(5, "Rollback to v2")
	if n := a.Value("N"); n != "2" {
		p.Errorf("N=%s", n)
	}
}

func TestR3NothingToGoBackTo(t *testing.T) {
	p := suite.Prove(t, "R-3", "rollback to a failed, unknown or current release: a clear error, nothing changed")
	a := p.Deployed(platform.Fixture{})
	load := a.Load("/", steady)
	a.Run("paas", "rollback").Want(5)
	a.Write("Procfile", platform.BrokenAtBoot)
	a.Fails("Broken at boot") // v2
	a.Do("paas", "config:set", "N=3")
	before := a.Slots()
	a.Run("paas", "rollback", "v2").Want(5).Says("v2", "failed", "paas releases")
	a.Run("paas", "rollback", "v9").Want(4).Says("v9")
	a.Run("paas", "rollback", "v3").Want(5).Says("v3", "current")
	a.Run("paas", "rollback", "nonsense").Want(2)
	clean(p, load)
	a.WantReleases(3, "Set N config vars")
	if diff := cmp.Diff(before, a.Slots()); diff != "" {
		p.Errorf("the instances changed: %s", diff)
	}
}

func TestR4RollbackNeedsNoBranch(t *testing.T) {
	p := suite.Prove(t, "R-4", "rollback works after the branch was force-pushed away")
	a := p.Deployed(platform.Fixture{Dockerfile: platform.CodeDockerfile, Files: map[string]string{"code": "one"}})
	load := a.Load("/read?path=/code", steady)
	first := a.Who().Commit
	a.Do("git", "checkout", "--quiet", "--orphan", "other")
	a.Write("code", "two")
	a.Commit("Another beginning")
	a.Do("git", "push", "--force", "paas", "other:main")
	a.Get("/read?path=/code").Must(p, http.StatusOK, "two")
	a.Do("paas", "rollback", "v1")
	p.Figure("rolled back in %.1f s", a.Release(3).Took())
	a.Get("/read?path=/code").Must(p, http.StatusOK, "one")
	clean(p, load)
	if runs := a.Who().Commit; runs != first {
		p.Errorf("%s runs, not %s", runs, first)
	}
}
