package build

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPushesOfStrangeRefs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		before func(c *checkout)
		push   []string
		ok     bool
		want   []string
	}{
		{name: "an annotated tag as the branch", push: []string{"refs/tags/v1:refs/heads/main"}, want: []string{" is a tag, not a commit", "git push paas HEAD:main"}},
		{name: "a tag that follows", push: []string{"--follow-tags", "main"}, want: []string{`the push has tag "v1" besides main`, "git push --no-follow-tags paas HEAD:main"}},
		{name: "a pull request", push: []string{"HEAD:refs/pull/1/head"}, want: []string{`"refs/pull/1/head" does not deploy`}},
		{name: "a ref of paasd's own", push: []string{"HEAD:refs/paas/commits/x"}, want: []string{"deny updating a hidden ref"}},
		{name: "all branches", before: func(c *checkout) { c.git("branch", "b") }, push: []string{"--all"}, want: []string{`branch "b" besides main`}},
		{name: "a mirror", before: func(c *checkout) { c.git("update-ref", "refs/x/y", "HEAD") }, push: []string{"--mirror"}, want: []string{" besides main"}},
		{name: "the symbolic ref", push: []string{"HEAD"}, ok: true, want: []string{"HEAD -> main"}},
		{name: "a symbolic branch", before: func(c *checkout) { c.git("symbolic-ref", "refs/heads/alias", "refs/heads/main") }, push: []string{"alias:main"}, ok: true},
		{name: "a reflog entry", push: []string{"main@{0}:refs/heads/main"}, ok: true},
		{name: "a name like a reflog entry", push: []string{"HEAD:refs/heads/a@{1}"}, want: []string{"invalid refspec"}},
		{name: "a name of HEAD", push: []string{"HEAD:refs/heads/HEAD"}, want: []string{`branch "HEAD" does not deploy`}},
		{name: "no branch at all", push: []string{"HEAD:refs/main"}, want: []string{"!"}},
		{name: "a branch in another alphabet", push: []string{"HEAD:refs/heads/ветка"}, want: []string{"does not deploy: hello deploys its branch main"}},
		{name: "a signed push", push: []string{"--signed", "main"}, want: []string{"does not support --signed push"}},
		{name: "a push that is signed if that is asked for", push: []string{"--signed=if-asked", "main"}, ok: true},
		{name: "an atomic push", push: []string{"--atomic", "main"}, ok: true},
		{name: "a thick pack", push: []string{"--no-thin", "main"}, ok: true},
		{name: "a deletion", push: []string{":nosuch"}, want: []string{"remote ref does not exist"}},
		{name: "a lease", push: []string{"--force-with-lease=main:" + idA, "main"}, want: []string{"stale info"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{})
			c := w.checkout("hello")
			c.app()
			c.git("tag", "-a", "-m", "one", "v1")
			if tc.before != nil {
				tc.before(c)
			}
			p := c.push(tc.push...)
			p.want(t, tc.ok, tc.want...)
			if n := w.builder.count(); (n == 1) != tc.ok {
				t.Errorf("%d builds", n)
			}
			if strings.Contains(p.text, "internal error") {
				t.Error(p.text)
			}
		})
	}
}

func TestSignedCommitsAreBuilt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	body := c.git("cat-file", "commit", "HEAD")
	head, message, _ := strings.Cut(body, "\n\n")
	cmd := c.command("hash-object", "-t", "commit", "-w", "--stdin")
	cmd.Stdin = strings.NewReader(head + "\ngpgsig -----BEGIN SSH SIGNATURE-----\n x\n -----END SSH SIGNATURE-----\n\n" + message + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	signed := strings.TrimSpace(string(out))
	c.push(signed+":refs/heads/main").want(t, true)
	if got := w.head("hello", "main"); got != signed {
		t.Errorf("main is at %s", got)
	}
}

func TestRepositoryOfAnotherHashIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	usual := w.checkout("hello")
	usual.app()
	usual.push("main").want(t, true)
	c := &checkout{t: t, w: w, dir: t.TempDir()}
	c.git("init", "-q", "-b", "main", "--object-format=sha256")
	c.git("remote", "add", "paas", "paas@door:hello")
	c.app()
	c.push("main").want(t, false, "does not support this repository's hash algorithm")
}

// shallow clones the newest commit of c.
func (c *checkout) shallow(branch string) *checkout {
	c.t.Helper()
	s := &checkout{t: c.t, w: c.w, dir: filepath.Join(c.t.TempDir(), "shallow")}
	c.git("clone", "-q", "--depth=1", "--branch", branch, "file://"+c.dir, s.dir)
	s.git("remote", "add", "paas", "paas@door:hello")
	return s
}

func TestShallowClonesArePushedAndBuilt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	full := w.checkout("hello")
	full.app()
	full.git("branch", "old")
	for _, n := range []string{"2", "3"} {
		full.commit(map[string]string{"n": n})
	}
	ci := full.shallow("main")
	ci.push("main").want(t, true)
	if files, _ := w.builder.source(); files["n"] != "3" {
		t.Errorf("n is %q", files["n"])
	}
	ci.commit(map[string]string{"n": "4"})
	ci.push("main").want(t, true)

	full.git("pull", "-q", "--ff-only", ci.dir, "main")
	full.commit(map[string]string{"n": "5"})
	full.push("main").want(t, true)

	full.push("--force", "old:main").want(t, false, "this commit stands upon older ones than hello has: an earlier push came from a shallow clone",
		"git clone --no-local --single-branch")
	full.git("checkout", "-q", "old") // and so of what stands upon something older
	full.commit(map[string]string{"n": "1", "Dockerfile": "FROM scratch\n", "main.go": "package two\n"})
	full.push("--force", "old:main").want(t, false, "this commit stands upon older ones than hello has")
	if n := len(w.deployer.deployed()); n != 3 {
		t.Errorf("%d are deployed", n)
	}
	fresh := &checkout{t: t, w: w, dir: filepath.Join(t.TempDir(), "fresh")}
	full.git("clone", "-q", "--no-local", "--single-branch", "--branch=old", ".", fresh.dir)
	fresh.git("push", "-q", "--force", "paas@door:hello", "old:main")

	full.push("--force", "main").want(t, true)
}

func TestShallowRepositoryIsHealedOnceItHasTheHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	full := w.checkout("hello")
	full.app()
	full.commit(map[string]string{"n": "2"})
	full.shallow("main").push("main").want(t, true)
	file := filepath.Join(w.repos.Path("idhello"), shallowFile)
	if err := w.svc.tidy(t.Context(), "idhello"); err != nil || !exists(file) {
		t.Fatalf("the history is not there: %v", err)
	}
	// All of it comes by another way: a clone that does not have what was pushed.
	bundle := filepath.Join(t.TempDir(), "pack")
	if err := os.WriteFile(bundle, packOf(full), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(bundle)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := w.repos.feed(t.Context(), nil, in, "--git-dir="+w.repos.Path("idhello"), "unpack-objects", "-q"); err != nil {
		t.Fatal(err)
	}
	if err := w.svc.tidy(t.Context(), "idhello"); err != nil || exists(file) {
		t.Errorf("the repository is still shallow, %v", err)
	}
	full.commit(map[string]string{"n": "3"})
	full.push("main").want(t, true)
}

func TestClonesGetTheSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.git("clone", "-q", "paas@door:hello", "empty")
	c.git("-C", "empty", "commit", "-q", "--allow-empty", "-m", "x")
	c = w.checkout("hello")
	c.app()
	commit := c.commit(map[string]string{"big": noise(100 << 10)})
	c.push("main").want(t, true)
	for name, args := range map[string][]string{
		"whole": nil, "shallow": {"--depth=1"}, "partial": {"--filter=blob:none"}, "bare": {"--bare"}, "mirror": {"--mirror"},
	} {
		c.git(append(append([]string{"clone", "-q"}, args...), "paas@door:hello", "../"+name)...)
		dir := filepath.Join(c.dir, "..", name)
		if got := c.git("-C", dir, "rev-parse", "HEAD"); got != commit {
			t.Errorf("%s is at %s", name, got)
		}
		if refs := c.git("-C", dir, "for-each-ref", "--format=%(refname)"); strings.Contains(refs, "refs/paas") {
			t.Errorf("%s has %s", name, refs)
		}
		c.git("-C", dir, "cat-file", "-e", "HEAD:big")
	}
}

func TestFetchGetsNothingThatNoRefLeadsTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	gone := c.commit(map[string]string{"secret": "x"})
	c.push("main").want(t, true)
	c.git("reset", "-q", "--hard", "HEAD~1")
	c.commit(map[string]string{"other": "y"})
	c.push("--force", "main").want(t, true)
	if err := w.svc.tidy(t.Context(), "idhello"); err != nil {
		t.Fatal(err)
	}
	if kept := c.git("ls-remote", "paas"); strings.Contains(kept, "refs/paas") {
		t.Errorf("everybody sees\n%s", kept)
	}
	other := w.checkout("hello")
	for _, version := range []string{"0", "2"} {
		for _, what := range []string{gone, "refs/paas/commits/" + gone} {
			out, err := other.command("-c", "protocol.version="+version, "fetch", "paas", what).CombinedOutput()
			if err == nil {
				t.Errorf("%s is given out:\n%s", what, out)
			}
		}
	}
}
