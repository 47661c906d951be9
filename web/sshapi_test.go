package web

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"paas"
	"paas/web/client"
)

func TestTheAPIOverSSH(t *testing.T) {
	b := startSSH(t)
	c := connect(t, client.Options{URL: "ssh://paas@" + b.addr, SSHCommand: b.user(t, "ada")})
	for want, call := range everyCall(c) {
		if strings.HasPrefix(want, "PreReceive") {
			if err := call(within(t)); paas.CodeOf(err) != paas.Unauthorized {
				t.Errorf("the hook's way in is open: %v", err)
			}
			continue
		}
		if err := call(within(t)); err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		if got := b.lastCall(); got != "ada: "+want {
			t.Errorf("%s: called %q", want, got)
		}
	}
	if n := strings.Count(b.log.String(), "ssh handshake"); n != 0 {
		t.Error(b.log.String())
	}
}

func TestAClientThatIsNotLetInReadsWhatSSHSaid(t *testing.T) {
	b := startSSH(t)
	path, _ := b.keyFile(t, "stranger")
	c := connect(t, client.Options{URL: "ssh://paas@" + b.addr, SSHCommand: b.ssh(path)})
	_, err := c.Apps(within(t))
	e, ok := errors.AsType[*paas.Error](err)
	if !ok || e.Code != paas.Unauthorized || !strings.Contains(e.Message, "Permission denied (publickey)") || !strings.Contains(e.Hint, "ssh-add") {
		t.Errorf("%v", err)
	}
	gone := listen(t)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	c = connect(t, client.Options{URL: "ssh://paas@" + gone.Addr().String(), SSHCommand: b.ssh(path)})
	if _, err := c.Apps(within(t)); paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), "Connection refused") {
		t.Error(err)
	}
}

func TestTheLastKeyStays(t *testing.T) {
	b := startSSH(t)
	c := connect(t, client.Options{URL: "ssh://paas@" + b.addr, SSHCommand: b.user(t, "ada")})
	if _, err := c.RemoveKey(within(t), "ada"); paas.CodeOf(err) != paas.Conflict || !strings.Contains(err.Error(), "last key") {
		t.Error(err)
	}
	b.user(t, "bob")
	if _, err := c.RemoveKey(within(t), "ada"); err != nil {
		t.Error(err)
	}
}

func TestTheAPIAnswersAClientThatHasClosedItsSide(t *testing.T) {
	b := startSSH(t)
	_, signer := b.keyFile(t, "ada")
	b.enrol(t, "ada", signer)
	c, err := b.dial(gossh.PublicKeys(signer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	session.Stdin = strings.NewReader("GET /v1/version HTTP/1.1\r\nHost: paas\r\nConnection: close\r\n\r\n")
	out, err := session.Output("api")
	if err != nil || !strings.Contains(string(out), `{"version":"v1.2.3"}`) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestGitPushAndFetchGoThrough(t *testing.T) {
	b := startSSH(t)
	bare := filepath.Join(b.dir, "bare.git")
	git(t, b.dir, nil, "init", "-q", "--bare", bare)
	b.onReceive = func(ctx context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
		cmd := exec.CommandContext(ctx, "git-receive-pack", bare)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
		err := cmd.Run()
		return cmd.ProcessState.ExitCode(), err
	}
	work := filepath.Join(b.dir, "work")
	git(t, b.dir, nil, "init", "-q", "-b", "main", work)
	git(t, work, nil, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one")
	ssh := []string{"GIT_SSH_COMMAND=" + strings.Join(b.user(t, "ada"), " ")}
	git(t, work, ssh, "push", "-q", "ssh://paas@"+b.addr+"/hello", "main")
	if b.lastCall() != "ada: ReceivePack hello" {
		t.Error(b.lastCall())
	}
	if got := git(t, bare, nil, "log", "--format=%s", "main"); strings.TrimSpace(got) != "one" {
		t.Errorf("pushed %q", got)
	}
}

func git(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(within(t), "git", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}
