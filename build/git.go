package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// gitGrace is how long git has to clean up its lock files and quarantine after SIGTERM.
	gitGrace = 3 * time.Second
	// maxGitOutput bounds what a git command that answers a question may say, in bytes.
	maxGitOutput = 16 << 20
)

// gitEnv is the whole environment of every git process: nothing of paasd's own, no configuration but ours, no prompt,
// no transport, no replaced objects, no pathspec magic.
func (r *Repos) gitEnv() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + r.dir,
		"LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=none", "GIT_PROTOCOL_FROM_USER=0",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_LITERAL_PATHSPECS=1",
		// No object is unfolded in memory that is larger, whatever its delta says: clients make no deltas of such.
		"GIT_ALLOC_LIMIT=512m",
	}
}

// frugal keeps every git process small: large files are streamed, caches and windows bounded, one thread each.
func frugal() []string {
	return []string{
		"-c", "core.bigFileThreshold=8m", "-c", "core.packedGitWindowSize=2m", "-c", "core.packedGitLimit=16m",
		"-c", "core.deltaBaseCacheLimit=16m", "-c", "pack.threads=1", "-c", "pack.windowMemory=32m", "-c", "pack.deltaCacheSize=16m",
	}
}

// ownRefs is where paasd keeps refs of its own, which nobody sees: see upkeep.
const ownRefs = "refs/paas"

// receiveSettings hold for every push, whatever the repository's own config says.
func (r *Repos) receiveSettings() []string {
	return []string{
		"-c", "core.hooksPath=" + r.hooks,
		"-c", "receive.fsckObjects=true",
		// Three harmless faults of old tools, found in the history of many well-known projects.
		"-c", "receive.fsck.zeroPaddedFilemode=ignore",
		"-c", "receive.fsck.missingSpaceBeforeDate=ignore",
		"-c", "receive.fsck.badTimezone=ignore",
		// How much comes, and for how long, is the intake's; git's words keep it awake while git checks what came.
		"-c", "receive.keepAlive=5",
		"-c", "receive.shallowUpdate=true",
		"-c", "receive.advertisePushOptions=true",
		"-c", "receive.denyDeletes=false", // refused by the hook, which says why
		"-c", "receive.denyNonFastForwards=false",
		"-c", "receive.denyCurrentBranch=ignore",
		"-c", "receive.autoGC=false", // see upkeep
		"-c", "transfer.hideRefs=" + ownRefs,
	}
}

// uploadSettings hold for every fetch: what refs of the app lead to, and nothing else. A client that asks for a part of it gets all.
func uploadSettings() []string {
	return []string{
		"-c", "transfer.hideRefs=" + ownRefs, "-c", "uploadpack.allowFilter=false", "-c", "uploadpack.allowTipSHA1InWant=false",
		"-c", "uploadpack.allowReachableSHA1InWant=false", "-c", "uploadpack.allowAnySHA1InWant=false", "-c", "uploadpack.keepAlive=5",
	}
}

// command prepares a git process. The whole process group gets SIGTERM when ctx ends, and is killed a moment later.
func (r *Repos) command(ctx context.Context, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.git, slices.Concat(frugal(), args)...)
	cmd.Env = append(r.gitEnv(), env...)
	cmd.Dir = r.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = gitGrace
	return cmd
}

// wait returns git's exit code. What is left of a canceled process group is killed.
func wait(ctx context.Context, cmd *exec.Cmd) (int, error) {
	err := cmd.Wait()
	if ctx.Err() != nil || cmd.ProcessState != nil && !cmd.ProcessState.Exited() { // by a signal: what it started may live on
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // none left is what we want
	}
	if ctx.Err() != nil {
		return -1, context.Cause(ctx)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // git itself ended well; a reader too slow for its last words loses them
	}
	return cmd.ProcessState.ExitCode(), err
}

// gitError is a git command that said no.
type gitError struct {
	command string
	code    int
	stderr  string
}

func (e *gitError) Error() string {
	return fmt.Sprintf("git %s: exit code %d: %s", e.command, e.code, e.stderr)
}

// fullDisk is how git, and what it runs, say that there is no space left; there is no exit code for it. They speak the
// C locale, see gitEnv.
const fullDisk = "No space left on device"

func (e *gitError) Unwrap() error {
	if strings.Contains(e.stderr, fullDisk) {
		return syscall.ENOSPC
	}
	return nil
}

// output runs a git command that answers a question, and returns what it printed.
func (r *Repos) output(ctx context.Context, env []string, args ...string) ([]byte, error) {
	return r.feed(ctx, env, nil, args...)
}

// feed is output for a command that reads stdin; nil is none.
func (r *Repos) feed(ctx context.Context, env []string, stdin io.Reader, args ...string) ([]byte, error) {
	stdout, stderr := capped{max: maxGitOutput}, capped{max: 4 << 10}
	cmd := r.command(ctx, env, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	code, err := wait(ctx, cmd)
	switch {
	case err != nil:
		return nil, err
	case code != 0:
		return nil, &gitError{command: subcommand(args), code: code, stderr: stderr.text()}
	case stdout.over:
		return nil, fmt.Errorf("git %s: more than %d bytes of output", subcommand(args), maxGitOutput)
	}
	return stdout.buf.Bytes(), nil
}

func subcommand(args []string) string {
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			return a
		}
	}
	return ""
}

// capped keeps the first max bytes written to it and takes the rest without a word. The buffer is no embedded one: its
// ReadFrom would know no bound.
type capped struct {
	buf  bytes.Buffer
	max  int
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	kept := p[:min(len(p), c.max-c.buf.Len())]
	c.over = c.over || len(kept) < len(p)
	c.buf.Write(kept)
	return len(p), nil
}

func (c *capped) text() string { return strings.TrimSpace(c.buf.String()) }
