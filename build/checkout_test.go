package build

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkout is a developer's own repository.
type checkout struct {
	t   *testing.T
	w   *world
	dir string
}

// clone makes an empty repository with the remote paas for each app named, the first being "paas" itself.
func (w *world) checkout(app string) *checkout {
	w.t.Helper()
	c := &checkout{t: w.t, w: w, dir: w.t.TempDir()}
	c.git("init", "-q", "-b", "main")
	c.git("remote", "add", "paas", "paas@door:"+app)
	return c
}

func (c *checkout) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
		"GIT_SSH_COMMAND='" + self(c.t) + "'", "GIT_SSH_VARIANT=simple", envDoor + "=" + c.w.door,
	}
}

func (c *checkout) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), "git", args...)
	cmd.Dir, cmd.Env = c.dir, c.env()
	return cmd
}

// git runs git, which has to succeed, and returns what it printed.
func (c *checkout) git(args ...string) string {
	c.t.Helper()
	out, err := c.command(args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes the files, commits everything and returns the commit.
func (c *checkout) commit(files map[string]string) string {
	c.t.Helper()
	for name, content := range files {
		path := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			c.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	c.git("add", "-A")
	c.git("commit", "-q", "--allow-empty", "-m", "work")
	return c.git("rev-parse", "HEAD")
}

// app commits a tree that builds.
func (c *checkout) app() string {
	c.t.Helper()
	return c.commit(map[string]string{"Dockerfile": "FROM scratch\nCOPY . .\n", "main.go": "package main\n"})
}

// pushed is how a push ended.
type pushed struct {
	ok   bool
	text string // what the pusher saw
}

func (c *checkout) push(args ...string) pushed {
	c.t.Helper()
	return <-c.pushing(args...)
}

// pushing pushes in the background.
func (c *checkout) pushing(args ...string) <-chan pushed {
	c.t.Helper()
	cmd := c.command(append([]string{"push", "paas"}, args...)...)
	done := make(chan pushed, 1)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.w.wait.Go(func() {
		err := cmd.Wait()
		done <- pushed{err == nil, strings.ReplaceAll(out.String(), "\x1b[K", "")}
	})
	return done
}

// want fails the test unless the push ended so and its text holds every phrase.
func (p pushed) want(t *testing.T, ok bool, phrases ...string) {
	t.Helper()
	if p.ok != ok {
		t.Errorf("push accepted: %v, want %v; the pusher saw:\n%s", p.ok, ok, p.text)
	}
	for _, phrase := range phrases {
		if !strings.Contains(p.text, phrase) {
			t.Errorf("the pusher did not see %q, but:\n%s", phrase, p.text)
		}
	}
}

// head is the commit of a branch in the app's repository, "" if there is none.
func (w *world) head(app, branch string) string {
	w.t.Helper()
	o, err := w.repos.objects("id"+app, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	heads, err := o.heads(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return heads[branch]
}

// link makes symbolic links, name to target, not committed yet.
func (c *checkout) link(links map[string]string) {
	c.t.Helper()
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(c.dir, name)); err != nil {
			c.t.Fatal(err)
		}
	}
}
