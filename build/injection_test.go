package build

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// marks is a folder into which every command that hides in a push would write; nothing may.
type marks struct {
	t   *testing.T
	dir string
}

func newMarks(t *testing.T) *marks {
	t.Helper()
	m := &marks{t, t.TempDir()}
	t.Cleanup(m.none)
	return m
}

// command makes a file of that name.
func (m *marks) command(name string) string { return "touch " + filepath.Join(m.dir, name) }

func (m *marks) none() {
	entries, err := os.ReadDir(m.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.t.Error(err)
	}
	for _, e := range entries {
		m.t.Errorf("a command was run on the host, hidden in: %s", e.Name())
	}
}

func TestNothingInATreeIsRunOnTheHost(t *testing.T) {
	t.Parallel()
	m := newMarks(t)
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	script := func(name string) string { return "#!/bin/sh\n" + m.command(name) + "\n" }
	config := "[core]\n\tfsmonitor = " + m.command("fsmonitor") + "\n\thooksPath = hooks\n\tsshCommand = " + m.command("ssh") +
		"\n[uploadpack]\n\tpackObjectsHook = " + m.command("packobjects") + "\n[filter \"x\"]\n\tsmudge = " + m.command("smudge") +
		"\n\tclean = " + m.command("clean") + "\n\tprocess = " + m.command("process") + "\n\trequired = true\n[diff \"x\"]\n\ttextconv = " + m.command("textconv") +
		"\n\tcommand = " + m.command("diff") + "\n[tar \"tar\"]\n\tcommand = " + m.command("tar") + "\n[alias]\n\tarchive = !" + m.command("alias") +
		"\n[gc]\n\trecentObjectsHook = " + m.command("gc") + "\n[include]\n\tpath = .gitconfig\n"
	files := map[string]string{
		"Dockerfile": "FROM scratch\n", "config": config, ".gitconfig": config, "HEAD": "ref: refs/heads/main\n",
		".gitattributes":  "* filter=x diff=x merge=x export-subst\n",
		"info/attributes": "* filter=x\n", "objects/info/alternates": "/etc\n", "v.txt": "$Format:%H %x41$\n",
		".lfsconfig": "[lfs]\n\turl = ssh://-oProxyCommand=" + m.command("lfs") + "/x\n[lfs \"customtransfer.x\"]\n\tpath = " + m.command("lfstransfer") + "\n",
		"app.json":   `{"name": "$(` + m.command("name") + `)", "scripts": {"postdeploy": "` + m.command("postdeploy") + `"}}`,
		"Procfile":   "web: " + m.command("web") + "\nrelease: $(" + m.command("release") + ")\n",
		"$(" + strings.ReplaceAll(m.command("name"), "/", "_") + ")": "x", "`id`": "x", "-oProxyCommand=x": "x", "--exec=touch": "x", ";x": "x", "|x": "x", "a\nb": "x",
		".dockerignore": "$(" + m.command("ignore") + ")\n",
	}
	for _, hook := range []string{"pre-receive", "update", "post-receive", "post-update", "reference-transaction", "pre-auto-gc", "push-to-checkout", "proc-receive"} {
		files["hooks/"+hook] = script(hook)
		files[".githooks/"+hook] = script(hook)
	}
	// The client's own git must not run them either: written as blobs, past any filter.
	commitRaw(c, files)
	c.push("main").want(t, true)
	m.none()
	got, _ := w.builder.source()
	if got["v.txt"] != files["v.txt"] || got["config"] != config || got["hooks/post-update"] != files["hooks/post-update"] {
		t.Errorf("the files are not what was committed: %q", got["v.txt"])
	}
	c.git("clone", "-q", "--bare", "paas@door:hello", "../bare")
	w.svc.upkeep.wear = wear{spare: "now"}
	if err := w.svc.tidy(t.Context(), "idhello"); err != nil {
		t.Error(err)
	}
}

// commitRaw commits files on main as they are.
func commitRaw(c *checkout, files map[string]string) string {
	c.t.Helper()
	var script strings.Builder
	script.WriteString("commit refs/heads/main\ncommitter A <a@b> 0 +0000\ndata 0\n")
	for name, content := range files {
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(name) + `"`
		script.WriteString("M 100755 inline " + quoted + "\ndata " + strconv.Itoa(len(content)) + "\n" + content + "\n")
	}
	cmd := c.command("fast-import", "--quiet", "--force")
	cmd.Stdin = strings.NewReader(script.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("%v\n%s", err, out)
	}
	return c.git("rev-parse", "main")
}

func TestNothingThatACommitSaysIsRun(t *testing.T) {
	t.Parallel()
	m := newMarks(t)
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	for _, text := range []string{"$(" + m.command("sub") + ")", "`" + m.command("tick") + "`", "; " + m.command("semi") + " #", "%(trailers) %x0a", "\x1b]0;x\x07", "--upload-pack=x"} {
		c.git("-c", "user.name="+text, "commit", "-q", "--allow-empty", "--author="+text+" <a@b>", "-m", text)
		c.push("main").want(t, true)
	}
	for _, ref := range []string{"$(id)", "`id`", "a;b", "-x", "--exec=x", "a|b", "a&b", "a'b", `a"b`} {
		c.push("HEAD:refs/heads/"+ref).want(t, false, "does not deploy")
	}
	for _, option := range []string{"$(" + m.command("option") + ")", "no-cache; " + m.command("option2"), "--x"} {
		c.push("-o", option, "HEAD:main").want(t, true, "Everything up-to-date")
		c.commit(map[string]string{"x": option})
		c.push("-o", option, "main").want(t, false, "is not known")
		c.git("reset", "-q", "--hard", "HEAD~1")
	}
}

func TestLinksInPlaceOfWhatIsReadAreRefused(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("TOPSECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Dockerfile", "Procfile", "app.json", ".dockerignore", "heroku.yml"} {
		w := newWorld(t, Options{})
		c := w.checkout("hello")
		c.commit(map[string]string{"Dockerfile": "FROM scratch\n"})
		c.git("rm", "-q", "-f", "--ignore-unmatch", name)
		c.link(map[string]string{name: secret})
		c.commit(nil)
		p := c.push("main")
		p.want(t, false, "not a regular file")
		if strings.Contains(p.text, "TOPSECRET") {
			t.Errorf("%s shows a file of the host:\n%s", name, p.text)
		}
	}
}

func TestGitmodulesNeitherRunNorLeaveTheirPlace(t *testing.T) {
	t.Parallel()
	m := newMarks(t)
	for name, text := range map[string]string{
		"an update command": "[submodule \"a\"]\n\tpath = a\n\turl = https://127.0.0.1/x\n\tupdate = !" + m.command("update") + "\n",
		"a name upwards":    "[submodule \"../../hooks\"]\n\tpath = a\n\turl = https://127.0.0.1/x\n",
		"an included file":  "[include]\n\tpath = /etc/passwd\n[submodule \"a\"]\n\tpath = ../../a\n\turl = ext::sh -c " + m.command("ext") + "\n",
		"an option":         "[submodule \"a\"]\n\tpath = -x\n\turl = -u" + m.command("option") + "\n",
		"a setting":         "[core]\n\tfsmonitor = " + m.command("fsmonitor") + "\n[submodule \"a\"]\n\tpath = a\n\turl = file:///etc\n",
		"nonsense":          "[submodule \"a\n\x00\xff",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := newWorld(t, Options{}), newHosting(t)
			w.allow(h, h.host)
			c := w.checkout("hello")
			commit := commitRaw(c, map[string]string{"Dockerfile": "FROM scratch\n", ".gitmodules": text})
			c.git("read-tree", commit)
			c.git("update-index", "--add", "--cacheinfo", "160000,"+commit+",a")
			c.git("commit", "-q", "-m", "x")
			c.push("main").want(t, false, "!")
			if n := w.builder.count() + len(h.asked()); n != 0 {
				t.Errorf("%d builds and requests", n)
			}
		})
	}
}

func TestAlternatesOfAClientReachNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.addApp("other")
	c := w.checkout("other")
	secret := c.app()
	c.push("main").want(t, true)
	thief := w.checkout("hello")
	thief.app()
	r := w.dial("hello")
	r.update(secret) // a commit of another app's, without its objects
	r.send([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e"))
	r.end()
	if w.head("hello", "main") != "" || len(w.statuses("hello")) != 0 {
		t.Error("an app has a commit of another's")
	}
	if exists(filepath.Join(w.repos.Path("idhello"), "objects", "info", "alternates")) {
		t.Error("the repository has alternates")
	}
}

func TestLFSPointersAreNamedWhateverTheClientHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	pointer := lfsMagic + "oid sha256:" + strings.Repeat("a", 64) + "\nsize 12345\n"
	commitRaw(c, map[string]string{
		"Dockerfile": "FROM scratch\n", "video.mp4": pointer, ".gitattributes": "*.mp4 filter=lfs diff=lfs merge=lfs -text\n",
		".lfsconfig": "[lfs]\n\turl = https://lfs.example.com/x\n",
	})
	// What `git lfs install` puts into a clone of somebody who has it, on a machine that does not.
	hook := "#!/bin/sh\ncommand -v git-lfs >/dev/null 2>&1 || exit 0\ngit lfs pre-push \"$@\"\n"
	if err := os.MkdirAll(filepath.Join(c.dir, ".git/hooks"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, ".git/hooks/pre-push"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	c.git("config", "filter.lfs.process", "git-lfs filter-process")
	c.git("config", "filter.lfs.required", "true")
	c.push("main").want(t, true, "Git LFS files are not fetched, only their pointers are there: video.mp4")
	if files, _ := w.builder.source(); files["video.mp4"] != pointer || files[".lfsconfig"] == "" {
		t.Errorf("the pointer arrived as %q", files["video.mp4"])
	}
}
