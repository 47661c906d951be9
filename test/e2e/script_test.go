package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"paas/test/platform"
)

// TestScripts runs testdata/script/*.txtar, all on one platform. Beside testscript's own commands a script has these:
//
//	paas|git|ssh|curl ARG…          as its user types it; `! paas …` when it is to fail
//	exits CODE COMMAND ARG…         the same, with that exit code
//	repository NAME [nobinary]      makes the folder NAME, with whatever files the script has in it, a git repository with
//	                                one commit; Dockerfile, Procfile and binary are the probe's unless they are there
//	example NAME                    the same with examples/NAME
//	commit MESSAGE                  commits all of the folder
//	waitfor DURATION TEXT COMMAND…  until the command succeeds with that regular expression in its output
//	remember APP / unchanged APP    releases, processes and config of APP are what they were
//
// and in its environment ROUTER (localhost:PORT), API (http://…), SSHPORT, BIN (the binaries), KEY (its own key),
// MARK (a file that nothing may ever make), STRANGER (GIT_SSH_COMMAND with a key that nobody knows).
func TestScripts(t *testing.T) {
	t.Parallel()
	p := platform.Start(t, platform.Options{})
	stranger := p.User(t)
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: func(env *testscript.Env) error { return setUp(env, p, stranger) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"paas": command("paas"), "git": command("git"), "ssh": secureShell, "curl": command("curl"),
			"exits": exits, "repository": repository, "example": example, "commit": commit, "waitfor": waitFor,
			"remember": remember, "unchanged": unchanged,
		},
		Condition: condition,
	})
}

type (
	platformKey  struct{}
	snapshotsKey struct{}
)

func platformOf(ts *testscript.TestScript) *platform.Platform {
	p, ok := ts.Value(platformKey{}).(*platform.Platform)
	if !ok {
		ts.Fatalf("no platform")
	}
	return p
}

func setUp(env *testscript.Env, p *platform.Platform, stranger *platform.User) error {
	mark := filepath.Join(env.WorkDir, "mark")
	env.Vars = append(env.Vars, p.Admin.Env()...)
	env.Vars = append(env.Vars,
		"TMPDIR="+env.WorkDir, "GIT_CEILING_DIRECTORIES="+env.WorkDir,
		"ROUTER=localhost:"+portOf(p.RouterAddr()), "API="+p.APIURL(), "SSHPORT="+strconv.Itoa(int(p.SSHPort())),
		"BIN="+filepath.Dir(p.Program("paas")), "KEY="+p.Admin.Key, "MARK="+mark, "STRANGER="+stranger.SSHCommand(),
		"STRANGERKEY="+stranger.Key, "DATA="+p.DataDir(), "INSTALLATION="+p.Installation(),
	)
	env.Values[platformKey{}] = p
	env.Values[snapshotsKey{}] = snapshots{}
	env.Defer(func() {
		if _, err := os.Lstat(mark); err == nil {
			env.T().Fatal("a command hidden in a name was run on the host: it made " + mark)
		}
	})
	return nil
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// condition knows [image:NAME]: the engine has it.
func condition(name string) (bool, error) {
	image, ok := strings.CutPrefix(name, "image:")
	if !ok {
		return false, fmt.Errorf("there is no condition %q", name)
	}
	return exec.Command("docker", "image", "inspect", image).Run() == nil, nil //nolint:forbidigo // ends by itself
}

func command(name string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		err := run(ts, name, args...)
		if neg && err == nil {
			ts.Fatalf("%s is to fail, and does not", name)
		}
		if !neg {
			ts.Check(err)
		}
	}
}

// run runs a command. The hook of a push has no environment of ours, and tells of its races on stderr.
func run(ts *testscript.TestScript, name string, args ...string) error {
	err := ts.Exec(name, args...)
	if strings.Contains(ts.ReadFile("stderr"), "DATA RACE") {
		ts.Fatalf("%s has a data race", name)
	}
	return err
}

// secureShell runs ssh as GIT_SSH_COMMAND says, to the platform's door.
func secureShell(ts *testscript.TestScript, neg bool, args []string) {
	words := strings.Fields(ts.Getenv("GIT_SSH_COMMAND"))
	words = append(words, "-p", ts.Getenv("SSHPORT"), "paas@localhost")
	command(words[0])(ts, neg, append(words[1:], args...))
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if args[1] == "ssh" {
		words := strings.Fields(ts.Getenv("GIT_SSH_COMMAND"))
		words = append(words, "-p", ts.Getenv("SSHPORT"), "paas@localhost")
		args = append([]string{args[0]}, append(words, args[2:]...)...)
	}
	if got := codeOf(ts, run(ts, args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

func codeOf(ts *testscript.TestScript, err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

func repository(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	bare := len(args) > 1 && args[1] == "nobinary"
	if !bare {
		ts.Check(platformOf(ts).Lay(dir, platform.Fixture{Files: present(ts, dir)}))
	}
	begin(ts, dir)
}

// present are the files that the script wrote: they win over the fixture's.
func present(ts *testscript.TestScript, dir string) map[string]string {
	files := map[string]string{}
	for _, name := range []string{"Dockerfile", "Procfile"} {
		if content, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			files[name] = string(content)
		} else if !errors.Is(err, os.ErrNotExist) {
			ts.Check(err)
		}
	}
	return files
}

func example(ts *testscript.TestScript, _ bool, args []string) {
	root, err := platform.Root()
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	source := filepath.Join(root, "examples", args[0])
	files, err := os.ReadDir(source)
	ts.Check(err)
	ts.Check(os.MkdirAll(dir, 0o755))
	for _, f := range files {
		if f.Name() != "hello" && !f.IsDir() { // that one is the product of a `make` of whenever
			content, err := os.ReadFile(filepath.Join(source, f.Name()))
			ts.Check(err)
			ts.Check(os.WriteFile(filepath.Join(dir, f.Name()), content, 0o644))
		}
	}
	if args[0] == "hello" {
		program, err := os.ReadFile(platformOf(ts).Program("hello"))
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, "hello"), program, 0o755))
	}
	begin(ts, dir)
}

// begin makes the folder a repository and goes there.
func begin(ts *testscript.TestScript, dir string) {
	ts.Check(os.MkdirAll(dir, 0o755))
	ts.Check(ts.Chdir(dir))
	ts.Check(ts.Exec("git", "init", "--quiet"))
	commit(ts, false, []string{"First"})
}

func commit(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("git", "add", "--all"))
	ts.Check(ts.Exec("git", "commit", "--quiet", "--allow-empty", "-m", args[0]))
}

func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	patience, err := time.ParseDuration(args[0])
	ts.Check(err)
	want, err := regexp.Compile(`(?m)` + args[1])
	ts.Check(err)
	ts.Check(platform.Wait(patience, args[1], func() error {
		if err := ts.Exec(args[2], args[3:]...); err != nil {
			return err
		}
		if out := ts.ReadFile("stdout"); !want.MatchString(out) {
			return fmt.Errorf("%s says: %s", args[2], out)
		}
		return nil
	}))
}

// snapshots are what apps were when a script said so.
type snapshots map[string]string

func remember(ts *testscript.TestScript, _ bool, args []string) {
	seen(ts)[args[0]] = look(ts, args[0])
}

func unchanged(ts *testscript.TestScript, _ bool, args []string) {
	was, ok := seen(ts)[args[0]]
	if is := look(ts, args[0]); !ok || was != is {
		ts.Fatalf("%s has changed from\n%s\nto\n%s", args[0], was, is)
	}
}

func seen(ts *testscript.TestScript) snapshots {
	s, ok := ts.Value(snapshotsKey{}).(snapshots)
	if !ok {
		ts.Fatalf("no snapshots")
	}
	return s
}

func look(ts *testscript.TestScript, app string) string {
	var all strings.Builder
	for _, read := range []string{"releases", "ps", "config", "domains"} {
		ts.Check(ts.Exec("paas", read, "-a", app, "--json"))
		all.WriteString(ts.ReadFile("stdout"))
	}
	return all.String()
}
