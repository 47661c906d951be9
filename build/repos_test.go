package build

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"paas"
)

func openRepos(t *testing.T) *Repos {
	t.Helper()
	r, err := OpenRepos(t.TempDir(), RepoOptions{Hook: "/usr/bin/paasd", Socket: "/run/paasd.sock"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func TestReposAreMadeAndRemoved(t *testing.T) {
	r := openRepos(t)
	for range 2 { // the second time nothing changes
		if err := r.Create(t.Context(), "abc"); err != nil {
			t.Fatal(err)
		}
	}
	head, err := os.ReadFile(filepath.Join(r.Path("abc"), "HEAD"))
	if err != nil || string(head) != "ref: refs/heads/main\n" {
		t.Errorf("HEAD is %q, %v", head, err)
	}
	for range 2 {
		if err := r.Remove(t.Context(), "abc"); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(filepath.Join(r.dir, "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "hooks" {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestReposMadeByTwoAtOnceAreOne(t *testing.T) {
	r := openRepos(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := r.Create(t.Context(), "abc"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left, _ := filepath.Glob(filepath.Join(r.dir, tempPrefix+"*")); left != nil {
		t.Errorf("left: %v", left)
	}
}

func TestOnlyAppIDsBecomePaths(t *testing.T) {
	r := openRepos(t)
	for _, app := range []string{"", "../x", "a/b", ".", "-rf", "A", "a;id", "$(id)", "a\n", strings.Repeat("a", 33)} {
		if err := r.Create(t.Context(), app); err == nil {
			t.Errorf("created %q", app)
		}
		if err := r.Remove(t.Context(), app); err == nil {
			t.Errorf("removed %q", app)
		}
	}
}

func TestHookLinkFollowsTheBinary(t *testing.T) {
	dir := t.TempDir()
	for _, binary := range []string{"/opt/paas-1/paasd", "/opt/paas-2/paasd"} {
		if _, err := OpenRepos(dir, RepoOptions{Hook: binary}); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(filepath.Join(dir, "hooks", "pre-receive")); got != binary || err != nil {
			t.Errorf("the hook is %q, %v", got, err)
		}
	}
}

func TestSweepRemovesWhatACrashLeft(t *testing.T) {
	r := openRepos(t)
	if err := r.Create(t.Context(), "abc"); err != nil {
		t.Fatal(err)
	}
	repo := r.Path("abc")
	stale := []string{
		filepath.Join(repo, "objects/incoming-x/pack/y"), filepath.Join(repo, "objects/tmp_objdir-incoming-z/a"),
		filepath.Join(repo, "HEAD.lock"), filepath.Join(repo, "packed-refs.lock"), filepath.Join(repo, "refs/heads/main.lock"),
		filepath.Join(r.dir, tempPrefix+"1/HEAD"),
	}
	kept := []string{filepath.Join(repo, "refs/heads/main"), filepath.Join(repo, "objects/pack/p.pack"), filepath.Join(repo, "HEAD")}
	for _, path := range append(stale, kept[:2]...) {
		touch(t, path)
	}
	if err := r.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range stale {
		if exists(path) {
			t.Errorf("%s is still there", path)
		}
	}
	for _, path := range kept {
		if !exists(path) {
			t.Errorf("%s is gone", path)
		}
	}
}

func TestGitSeesNothingOfOurEnvironment(t *testing.T) {
	t.Setenv("GIT_DIR", "/nonexistent")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
	t.Setenv("GIT_CONFIG_VALUE_0", "/evil")
	t.Setenv("SECRET_OF_PAASD", "x")
	r := openRepos(t)
	if err := r.Create(t.Context(), "abc"); err != nil {
		t.Fatal(err)
	}
	out, err := r.output(t.Context(), nil, "config", "--list", "--show-scope")
	if err != nil || strings.Contains(string(out), "evil") || strings.Contains(string(out), "global") {
		t.Errorf("git's config is %q, %v", out, err)
	}
	for _, e := range r.command(t.Context(), nil, "version").Env {
		if strings.HasPrefix(e, "SECRET") || strings.HasPrefix(e, "GIT_DIR") {
			t.Errorf("git gets %s", e)
		}
	}
}

func TestPushLargerThanAllowedIsRefused(t *testing.T) {
	w := newWorld(t, Options{})
	w.repos.opts.Limits.PushBytes = 1 << 10
	c := w.checkout("hello")
	c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "noise": noise(64 << 10)})
	c.push("main").want(t, false, "the push is larger than 1 kB, which is all that one may send", "paasd serve --max-push")
	if n := len(w.statuses("hello")); n != 0 {
		t.Errorf("%d builds", n)
	}
}

// noise is text that does not compress.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

func TestWithoutGitTheNextCommandIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := OpenRepos(t.TempDir(), RepoOptions{})
	if paas.CodeOf(err) != paas.Unavailable || paas.Advice(err) != "try: apt install git" {
		t.Errorf("%v, %s", err, paas.Advice(err))
	}
}
