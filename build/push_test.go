package build

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestPushBuildsDeploysAndMovesTheBranch(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	commit := c.app()
	c.push("main").want(t, true,
		"remote: -----> Building "+commit[:7]+" of hello (Dockerfile)",
		"remote: -----> Image sha256:12ab34cd56ef… in ",
		"remote: -----> Process types: web (the image's own command)",
		"remote: -----> Released v1",
		"main -> main")
	if got := w.head("hello", "main"); got != commit {
		t.Errorf("main is at %q, want %s", got, commit)
	}
	if diff := cmp.Diff([]string{commit}, w.deployer.deployed()); diff != "" {
		t.Error(diff)
	}
	b, err := w.records.Build("idhello", 1)
	if err != nil {
		t.Fatal(err)
	}
	if b.CreatedAt, b.FinishedAt = (time.Time{}), (time.Time{}); true {
		want := paas.Build{
			App: "idhello", ID: 1, Status: paas.BuildSucceeded, Source: paas.BuildOfPush, Commit: commit, Language: "dockerfile", Dockerfile: "Dockerfile", Branch: "main", User: "ada",
			Image: paas.Image{ID: imageID}, Types: paas.ProcessTypes{{Name: "web"}},
		}
		if diff := cmp.Diff(want, b); diff != "" {
			t.Error(diff)
		}
	}
}

func TestPushedProcfileGivesTheProcessTypes(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "Procfile": "web: ./server\nworker: ./work --all\nrelease: ./migrate\n"})
	c.push("main").want(t, true, "remote: -----> Process types: web, worker, release (Procfile)")
	b, _ := w.records.Build("idhello", 1)
	want := paas.ProcessTypes{{Name: "web", Command: "./server"}, {Name: "worker", Command: "./work --all"}, {Name: "release", Command: "./migrate"}}
	if diff := cmp.Diff(want, b.Types); diff != "" {
		t.Error(diff)
	}
}

func TestFailedDeployRejectsThePushAndKeepsTheBuild(t *testing.T) {
	w := newWorld(t, Options{})
	w.deployer.plays(func(context.Context, paas.Build, io.Writer) error {
		return paas.Errorf(paas.Failed, "v1 did not come up").WithHint("paas logs")
	})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, false, "remote:  !     v1 did not come up", "remote:  !     paas logs", "pre-receive hook declined")
	if got := w.head("hello", "main"); got != "" {
		t.Errorf("main is at %s", got)
	}
	if diff := cmp.Diff([]paas.BuildStatus{paas.BuildSucceeded}, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
}

func TestFailedBuildRejectsThePushAndSaysWhy(t *testing.T) {
	w := newWorld(t, Options{})
	w.builder.plays(func(_ context.Context, _ paas.ImageSpec, events func(paas.BuildEvent)) error {
		events(paas.BuildEvent{Step: "a", Name: "[2/2] RUN make", Started: time.Now()})
		events(paas.BuildEvent{Step: "a", Output: []byte("make: gcc: command not found\n")})
		events(paas.BuildEvent{Step: "a", Error: `process "/bin/sh -c make" did not complete successfully: exit code: 127`, Completed: time.Now()})
		return paas.Errorf(paas.Failed, "exit code: 127")
	})
	c := w.checkout("hello")
	commit := c.app()
	c.push("main").want(t, false,
		"| make: gcc: command not found",
		" !     the build of "+commit[:7]+" failed at [2/2] RUN make: exit code 127",
		" !     a command is not in the image")
	if got := w.deployer.deployed(); got != nil {
		t.Errorf("deployed %v", got)
	}
	var log strings.Builder
	if err := w.svc.BuildLog(t.Context(), "hello", 1, false, &log); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| make: gcc: command not found", " !     the build of " + commit[:7] + " failed"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
}

func TestSecondPushDeploysAgain(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	first := c.app()
	c.push("main").want(t, true)
	second := c.commit(map[string]string{"more": "x"})
	c.push("main").want(t, true)
	if diff := cmp.Diff([]string{first, second}, w.deployer.deployed()); diff != "" {
		t.Error(diff)
	}
}

func TestUnrelatedHistoryIsRefusedUnlessForced(t *testing.T) { // I-4
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, true)
	other := w.checkout("hello")
	commit := other.commit(map[string]string{"Dockerfile": "FROM scratch\n", "other": "tree"})
	other.push("main").want(t, false, "rejected")
	other.push("--force", "main").want(t, true)
	if got := w.head("hello", "main"); got != commit {
		t.Errorf("main is at %s, want the forced %s", got, commit)
	}
}

func TestPushOfNothingSaysWhereTheAppStands(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	commit := c.app()
	c.push("main").want(t, true)
	c.push("main").want(t, true, "Nothing was pushed: main of hello is at "+commit[:7]+".", "paas restart", "Everything up-to-date")
	if got := len(w.statuses("hello")); got != 1 {
		t.Errorf("%d builds", got)
	}
}

func TestDryRunOfAFirstPushIsTold(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("--dry-run", "main").want(t, true, "Nothing was pushed: hello waits for its branch main", "git push paas HEAD:main")
}

func TestPushedAppCanBeCloned(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.git("branch", "-m", "master")
	c.app()
	c.push("master").want(t, true)
	c.git("clone", "-q", "paas@door:hello", "copy")
	if got := c.git("-C", "copy", "rev-parse", "--abbrev-ref", "HEAD"); got != "master" {
		t.Errorf("the clone is on %s", got)
	}
}

func TestUnknownAppIsToldSo(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("nosuch")
	c.app()
	c.push("main").want(t, false, `there is no app "nosuch"`, "paas apps")
}

// stream is an app's log stream.
type stream struct {
	mu    sync.Mutex
	lines []string
}

func (s *stream) Append(app string, l paas.LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, app+" "+string(l.Source)+"["+l.Process+"]: "+l.Text)
}

func TestBuildsAreNotedInTheAppsLog(t *testing.T) { // XI-6
	w := newWorld(t, Options{})
	logs := &stream{}
	w.svc.Logs = logs
	c := w.checkout("hello")
	commit := c.app()
	c.push("main").want(t, true)
	want := []string{"idhello paas[build.1]: Build 1 of " + commit[:7] + " by ada: succeeded"}
	if diff := cmp.Diff(want, logs.lines); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedPushes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		branch string // the app's setting
		before func(c *checkout)
		push   []string
		want   []string
	}{
		{
			name: "another branch", push: []string{"HEAD:feature"},
			want: []string{`branch "feature" does not deploy: hello deploys its branch main`, "git push paas HEAD:main"},
		},
		{
			name: "another branch than the app's own", branch: "production", push: []string{"main"},
			want: []string{`branch "main" does not deploy: hello deploys its branch production`, "git push paas HEAD:production"},
		},
		{
			name: "a tag", before: func(c *checkout) { c.git("tag", "v1.0") }, push: []string{"v1.0"},
			want: []string{`tag "v1.0" does not deploy`, "git push paas refs/tags/v1.0^{commit}:main"},
		},
		{
			name: "the branch and a tag", before: func(c *checkout) { c.git("tag", "v1.0") }, push: []string{"main", "v1.0"},
			want: []string{`the push has tag "v1.0" besides main`, "nothing was taken"},
		},
		{
			name: "a branch named like an option", push: []string{"HEAD:refs/heads/--upload-pack=touch"},
			want: []string{`branch "--upload-pack=touch" does not deploy`, "git push paas HEAD:main"},
		},
		{
			name: "a branch with a shell in its name", push: []string{"HEAD:refs/heads/$(id);x'y"},
			want: []string{`branch "$(id);x'y" does not deploy`, "git push paas HEAD:main"},
		},
		{
			name: "a tree", push: []string{"HEAD^{tree}:refs/heads/main"},
			want: []string{" is a tree, not a commit", "git push paas HEAD:main"},
		},
		{
			name: "a replaced object", push: []string{"HEAD:refs/replace/" + idA},
			want: []string{"does not deploy"},
		},
		{
			name: "several branches", push: []string{"HEAD:a", "HEAD:b"},
			want: []string{`branch "a" does not deploy`, "git push paas HEAD:main"},
		},
		{
			name: "deletion of the branch", before: func(c *checkout) { c.push("main").want(c.t, true) }, push: []string{":main"},
			want: []string{`branch "main" cannot be deleted`, "paas apps:destroy -a hello"},
		},
		{
			name: "a note", before: func(c *checkout) { c.git("notes", "add", "-m", "x") }, push: []string{"refs/notes/commits"},
			want: []string{`"refs/notes/commits" does not deploy`},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			app := w.addApp("hello")
			app.Build.Branch = tc.branch
			w.records.put(app)
			c := w.checkout("hello")
			c.app()
			if tc.before != nil {
				tc.before(c)
			}
			builds, main := w.builder.count(), ""
			if builds > 0 {
				main = w.head("hello", "main")
			}
			c.push(tc.push...).want(t, false, tc.want...)
			if got := w.builder.count(); got != builds {
				t.Errorf("%d builds, want %d", got, builds)
			}
			if got := w.head("hello", "main"); got != main {
				t.Errorf("main went from %q to %q", main, got)
			}
		})
	}
}

func TestMasterDeploysWhereThereIsNoMain(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	c.push("HEAD:master").want(t, true)
	c.push("HEAD:feature").want(t, false, "git push paas HEAD:master")
	c.push("HEAD:main").want(t, true)
	c.push("--force", "HEAD~0:master").want(t, true, "Everything up-to-date")
	c.commit(map[string]string{"x": "y"})
	c.push("HEAD:master").want(t, false, "git push paas HEAD:main")
}

func TestWhatCannotBeBuiltIsRefusedBeforeAnyBuild(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string]string
		links map[string]string
		want  []string
	}{
		{name: "no Dockerfile", files: map[string]string{"main.go": "x"}, want: []string{"no Dockerfile", "commit one of these to the root of the repository"}},
		{
			name: "a Dockerfile that is a link", files: map[string]string{"x": "FROM scratch\n"}, links: map[string]string{"Dockerfile": "/etc/passwd"},
			want: []string{"is not a regular file"},
		},
		{
			name: "a Dockerfile that is a directory", files: map[string]string{"Dockerfile/x": "FROM scratch\n"},
			want: []string{"is not a regular file"},
		},
		{
			name: "an app.json with an error", files: map[string]string{"Dockerfile": "FROM scratch\n", "app.json": "{\n  \"healthchecks\": []\n}\n"},
			want: []string{"app.json line 2: healthchecks is a list, not an object", "correct the line"},
		},
		{
			name: "an app.json that is a link", files: map[string]string{"Dockerfile": "FROM scratch\n"}, links: map[string]string{"app.json": "../../../etc/passwd"},
			want: []string{"app.json is not a regular file"},
		},
		{
			name: "a Procfile that is a link", files: map[string]string{"Dockerfile": "FROM scratch\n"}, links: map[string]string{"Procfile": "../../../etc/passwd"},
			want: []string{"Procfile is not a regular file"},
		},
		{
			name: "a Procfile with a bad line", files: map[string]string{"Dockerfile": "FROM scratch\n", "Procfile": "web: x\n\nwo rker: y\n"},
			want: []string{`Procfile line 3, "wo rker: y": a line is`},
		},
		{
			name: "a huge Procfile", files: map[string]string{"Dockerfile": "FROM scratch\n", "Procfile": strings.Repeat("#\n", MaxProcfileBytes)},
			want: []string{"Procfile is 131072 bytes, more than the 65536"},
		},
		{
			name: "a broken .dockerignore", files: map[string]string{"Dockerfile": "FROM scratch\n", ".dockerignore": "a[\n"},
			want: []string{".dockerignore cannot be read"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			c := w.checkout("hello")
			c.link(tc.links)
			c.commit(tc.files)
			c.push("main").want(t, false, tc.want...)
			if n := w.builder.count() + len(w.statuses("hello")); n != 0 {
				t.Errorf("%d builds", n)
			}
		})
	}
}

func TestTwoAppsFromOneCommit(t *testing.T) { // I-1
	w := newWorld(t, Options{})
	w.addApp("other")
	c := w.checkout("hello")
	commit := c.app()
	c.git("remote", "add", "second", "paas@door:other")
	c.push("main").want(t, true)
	c.git("push", "-q", "second", "main")
	if !slices.Equal(w.deployer.deployed(), []string{commit, commit}) || w.head("other", "main") != commit {
		t.Errorf("deployed %v", w.deployer.deployed())
	}
}

func TestHostileAppNamesAreUnknown(t *testing.T) {
	w := newWorld(t, Options{})
	for _, name := range []string{"", "a;id", "$(id)", "../x", "-rf", strings.Repeat("a", 64), "ünï", "a\nb", "idhello", "hello.git", "hello/../hello"} {
		for _, serve := range []func(context.Context, string, io.Reader, io.Writer, io.Writer) (int, error){w.receive, w.svc.UploadPack} {
			if _, err := serve(t.Context(), name, strings.NewReader(""), io.Discard, io.Discard); paas.CodeOf(err) != paas.NotFound {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

func TestTreeThatWouldWriteIntoGitIsRefused(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	c.app()
	blob := c.git("rev-parse", "HEAD:main.go")
	cmd := c.command("mktree")
	cmd.Stdin = strings.NewReader("100644 blob " + blob + "\t.git\n100644 blob " + blob + "\tDockerfile\n")
	tree, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	commit := c.git("commit-tree", "-m", "evil", strings.TrimSpace(string(tree)))
	c.push(commit+":refs/heads/main").want(t, false, "hasDotgit")
	if n := w.builder.count(); n != 0 {
		t.Errorf("%d builds", n)
	}
}
