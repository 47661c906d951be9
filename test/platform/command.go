package platform

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// commandTime bounds every command that a test runs, so that what hangs is named by its own line.
const commandTime = 6 * time.Minute

// Cmd is a command that a user types. Zero values: the admin, the platform's folder, no stdin, three minutes.
type Cmd struct {
	Args    []string
	User    *User
	Dir     string
	Env     []string // on top of the user's
	Stdin   io.Reader
	Timeout time.Duration
}

// Result is how a command ended.
type Result struct {
	Args           []string
	Stdout, Stderr string
	Code           int // exit code; -1 when it was killed or could not be started
	t              testing.TB
}

// Exec runs a command to its end, whatever that is.
func (p *Platform) Exec(t testing.TB, c Cmd) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(c.Timeout, commandTime))
	defer cancel()
	cmd := p.Command(ctx, c)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", strings.Join(c.Args, " "), err)
	}
	if strings.Contains(stderr.String(), "DATA RACE") { // of git's hook, which has no environment of ours
		t.Errorf("%s: %s", strings.Join(c.Args, " "), stderr.String())
	}
	return Result{Args: c.Args, Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode(), t: t}
}

// Command is the same command to be run by the caller. A program of ours is found in the folder of binaries.
func (p *Platform) Command(ctx context.Context, c Cmd) *exec.Cmd {
	argv := slices.Clone(c.Args)
	if argv[0] == "paas" || argv[0] == "paasd" {
		argv[0] = p.bin.Path(argv[0])
	}
	argv = p.inside(argv...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = cmp.Or(c.Dir, p.home())
	cmd.Env = append(cmp.Or(c.User, p.Admin).Env(), c.Env...)
	cmd.Stdin = c.Stdin
	cmd.WaitDelay = 5 * time.Second // ssh that outlives its parent must not hold up the test
	return cmd
}

// Run runs a command as the admin.
func (p *Platform) Run(t testing.TB, args ...string) Result {
	t.Helper()
	return p.Exec(t, Cmd{Args: args})
}

// Do runs a command as the admin and fails the test unless it succeeds.
func (p *Platform) Do(t testing.TB, args ...string) Result {
	t.Helper()
	return p.Run(t, args...).Want(0)
}

// Want fails the test unless the command ended with that code.
func (r Result) Want(code int) Result {
	r.t.Helper()
	if r.Code != code {
		r.t.Fatalf("exit code %d, not %d\n%s", r.Code, code, r)
	}
	return r
}

// Says fails the test unless the command wrote each of the texts, on whichever stream.
func (r Result) Says(texts ...string) Result {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.Stdout+r.Stderr, text) {
			r.t.Fatalf("it does not say %q\n%s", text, r)
		}
	}
	return r
}

func (r Result) String() string {
	return "$ " + strings.Join(r.Args, " ") + "\n" + r.Stdout + r.Stderr
}
