package conformance

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas/test/platform"
)

func TestR1SetDeployRollback(t *testing.T) {
	p := prove(t, "R-1", "set, deploy, rollback: one release each, described, code and config together")
	a := p.deployed(platform.Fixture{Dockerfile: withCode, Files: map[string]string{"code": "one"}})
	first := a.who().Commit
	a.Do("paas", "config:set", "MODE=old")
	a.Write("code", "two")
	second := a.Commit("Second")
	a.Push()
	a.Do("paas", "config:set", "MODE=new")
	load := a.Load("/", 20)
	a.Do("paas", "rollback", "v2").Says("v5")
	load.StopClean(p)
	var told []string
	for _, r := range a.releases() {
		told = append(told, r.Description)
	}
	want := []string{"Rollback to v2", "Set MODE config vars", "Deploy " + second[:7], "Set MODE config vars", "Deploy " + first[:7]}
	if diff := cmp.Diff(want, told); diff != "" {
		p.Errorf("the ledger: %s", diff)
	}
	if mode, code := a.value("MODE"), a.Get("/read?path=/code").Body; mode != "old" || code != "one" {
		p.Errorf("MODE=%s runs with the code %q", mode, code)
	}
}

func TestR2RollbackGoesToTheOneBefore(t *testing.T) {
	p := prove(t, "R-2", "rollback with no argument: the newest succeeded before the current one")
	a := p.deployed(platform.Fixture{})
	a.Do("paas", "config:set", "N=2")
	a.Write("Procfile", brokenAtBoot)
	a.failing("Broken at boot") // v3
	a.Do("paas", "config:set", "N=4")
	a.Do("paas", "rollback").Says("v5")
	a.wantReleases(5, "Rollback to v2")
	if n := a.value("N"); n != "2" {
		p.Errorf("N=%s", n)
	}
}

func TestR3NothingToGoBackTo(t *testing.T) {
	p := prove(t, "R-3", "rollback to a failed, unknown or current release: a clear error, nothing changed")
	a := p.deployed(platform.Fixture{})
	a.Run("paas", "rollback").Want(5)
	a.Write("Procfile", brokenAtBoot)
	a.failing("Broken at boot") // v2
	a.Do("paas", "config:set", "N=3")
	before := a.slots()
	a.Run("paas", "rollback", "v2").Want(5).Says("v2", "failed", "paas releases")
	a.Run("paas", "rollback", "v9").Want(4).Says("v9")
	a.Run("paas", "rollback", "v3").Want(5).Says("v3", "current")
	a.Run("paas", "rollback", "nonsense").Want(2)
	a.wantReleases(3, "Set N config vars")
	if diff := cmp.Diff(before, a.slots()); diff != "" {
		p.Errorf("the instances changed: %s", diff)
	}
}

func TestR4RollbackNeedsNoBranch(t *testing.T) {
	p := prove(t, "R-4", "rollback works after the branch was force-pushed away")
	a := p.deployed(platform.Fixture{Dockerfile: withCode, Files: map[string]string{"code": "one"}})
	first := a.who().Commit
	a.Do("git", "checkout", "--quiet", "--orphan", "other")
	a.Write("code", "two")
	a.Commit("Another beginning")
	a.Do("git", "push", "--force", "paas", "other:main")
	a.Get("/read?path=/code").Must(p, http.StatusOK, "two")
	a.Do("paas", "rollback", "v1")
	a.Get("/read?path=/code").Must(p, http.StatusOK, "one")
	if runs := a.who().Commit; runs != first {
		p.Errorf("%s runs, not %s", runs, first)
	}
}
