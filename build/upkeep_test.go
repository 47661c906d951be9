package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"paas"
)

func TestNothingThatAKilledGitLeavesHindersTheNextPush(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"shallow.lock", "packed-refs.lock", "packed-refs.new", "HEAD.lock", "config.lock", "gc.pid", "refs/heads/main.lock", "refs/paas/commits/x.lock",
		"shallow_AbCdEf", "objects/incoming-x/pack/tmp_pack_x", "objects/tmp_objdir-incoming-x/y", "objects/info/commit-graph.lock",
		"objects/pack/multi-pack-index.lock",
	} {
		t.Run(strings.ReplaceAll(name, "/", "_"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{})
			c := w.checkout("hello")
			c.app()
			c.push("main").want(t, true)
			stale := filepath.Join(w.repos.Path("idhello"), filepath.FromSlash(name))
			touch(t, stale)
			c.commit(map[string]string{"x": "y"})
			c.push("main").want(t, true)
			w.svc.upkeep.wear = wear{spare: "now"}
			if err := w.svc.tidy(t.Context(), "idhello"); err != nil {
				t.Error(err)
			}
			if exists(stale) {
				t.Errorf("%s is still there", name)
			}
		})
	}
}

// gits are the git processes at work in a repository.
func gits(t *testing.T, repo string) (ids []int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		content, err := os.ReadFile(line)
		if err != nil || !strings.Contains(string(content), repo) {
			continue
		}
		var id int
		if _, err := fmt.Sscanf(line, "/proc/%d/", &id); err == nil && id != os.Getpid() {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestGitKilledInTheMiddleOfAPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	commit := c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "noise": noise(64 << 10)})
	pack := packOf(c)
	repo := w.repos.Path("idhello")
	r := w.dial("hello")
	r.update(commit)
	r.send(pack[:len(pack)/2])
	eventually(t, "objects arrive", func() bool {
		found, err := filepath.Glob(filepath.Join(repo, "objects", "*incoming-*"))
		return err == nil && len(found) > 0
	})
	for _, id := range gits(t, repo) {
		_ = syscall.Kill(id, syscall.SIGKILL) // some end with the others
	}
	r.end()
	if left := gits(t, repo); len(left) > 0 {
		t.Errorf("%d processes are left", len(left))
	}
	c.push("main").want(t, true)
	if left, _ := filepath.Glob(filepath.Join(repo, "objects", "*incoming-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestGitKilledInABuildCancelsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	done := w.held(c, g)
	for _, id := range gits(t, w.repos.Path("idhello")) {
		_ = syscall.Kill(id, syscall.SIGKILL)
	}
	receive(t, "the push ends", done).want(t, false)
	eventually(t, "the build is canceled", func() bool { return w.statuses("hello")[0] == paas.BuildCanceled })
	close(g.open)
	c.push("main").want(t, true)
}

func TestRepositoriesStaySmallAndKeepWhatBuildsWereMadeOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.svc.upkeep.wear = wear{loose: 10, packs: 2, spare: "now"}
	c := w.checkout("hello")
	c.app()
	var commits []string
	for i := range keptCommits + 4 {
		c.git("checkout", "-q", "--orphan", fmt.Sprintf("b%d", i))
		commits = append(commits, c.commit(map[string]string{"n": fmt.Sprint(i)}))
		c.push("--force", "HEAD:main").want(t, true)
	}
	w.svc.tidyRepos(t.Context())
	o, err := w.repos.objects("idhello", nil)
	if err != nil {
		t.Fatal(err)
	}
	if worn, err := o.worn(t.Context(), w.svc.upkeep.wear); err != nil || worn {
		t.Errorf("it is still untidy, %v", err)
	}
	for i, commit := range commits {
		if kept := i >= 4; o.has(t.Context(), objectID(commit)) != kept {
			t.Errorf("commit %d of %d is there: %v", i, len(commits), !kept)
		}
	}
	if refs, err := o.output(t.Context(), "for-each-ref", keptRefs); err != nil || strings.Count(string(refs), "\n") != keptCommits {
		t.Errorf("%d refs, %v", strings.Count(string(refs), "\n"), err)
	}
	c.commit(map[string]string{"n": "last"})
	c.push("--force", "HEAD:main").want(t, true)
}

func TestTidyingGivesWayToAPush(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	if app := w.svc.upkeep.claim(cancel); app != "idhello" {
		t.Fatalf("claimed %q", app)
	}
	if app := w.svc.upkeep.claim(cancel); app != "" {
		t.Fatalf("%q is claimed twice", app)
	}
	c.commit(map[string]string{"x": "y"})
	done := c.pushing("main")
	select {
	case <-ctx.Done():
	case <-time.After(patience):
		t.Fatal("nobody is asked to give way")
	}
	w.svc.upkeep.free("idhello")
	receive(t, "the push ends", done).want(t, true)
	if app := w.svc.upkeep.claim(func() {}); app != "idhello" {
		t.Errorf("it is not to be tidied again, but %q", app)
	}
	w.svc.upkeep.free("idhello")
}

func TestTidyingOfAnAppThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	if err := w.svc.RemoveApp(t.Context(), "idhello"); err != nil {
		t.Fatal(err)
	}
	w.svc.tidyRepos(t.Context())
	if len(w.svc.upkeep.uses) != 0 || exists(w.repos.Path("idhello")) {
		t.Errorf("left: %v", w.svc.upkeep.uses)
	}
}
