package web

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"paas"
)

// silent has a public key and cannot sign with it.
type silent struct{ gossh.Signer }

func (s silent) Sign(io.Reader, []byte) (*gossh.Signature, error) {
	return nil, errors.New("no private half")
}

// lying signs with another key than it shows.
type lying struct{ shown, signs gossh.Signer }

func (l lying) PublicKey() gossh.PublicKey { return l.shown.PublicKey() }

func (l lying) Sign(r io.Reader, data []byte) (*gossh.Signature, error) { return l.signs.Sign(r, data) }

func TestIdentityIsTheKeyThatSigned(t *testing.T) {
	b := startSSH(t)
	_, ada := b.keyFile(t, "ada")
	_, bob := b.keyFile(t, "bob")
	b.enrol(t, "ada", ada)
	b.enrol(t, "bob", bob)
	c, err := b.dial(gossh.PublicKeys(bob))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := greeting(t, c); !strings.Contains(got, "Hi bob!") {
		t.Errorf("bob is greeted %q", got)
	}
	if c, err := b.dial(gossh.PublicKeys(silent{ada})); err == nil {
		c.Close()
		t.Error("ada's public key alone was let in")
	}
	if c, err := b.dial(gossh.PublicKeys(lying{shown: ada, signs: bob})); err == nil {
		c.Close()
		t.Error("bob's signature was taken for ada's")
	}
}

// spoiled signs in a form that the door does not take, which leaves its key offered, known, and not proved.
type spoiled struct{ gossh.Signer }

func (s spoiled) Sign(r io.Reader, data []byte) (*gossh.Signature, error) {
	return &gossh.Signature{Format: "none", Blob: []byte("x")}, nil
}

func TestAKeyOfferedButNotSignedWithIsNobody(t *testing.T) {
	b := startSSH(t)
	_, ada := b.keyFile(t, "ada")
	_, bob := b.keyFile(t, "bob")
	b.enrol(t, "ada", ada)
	b.enrol(t, "bob", bob)
	for _, offers := range [][]gossh.Signer{
		{spoiled{ada}, bob},
		{spoiled{bob}, spoiled{ada}, bob},
		{spoiled{ada}, spoiled{bob}, spoiled{ada}, bob},
	} {
		c, err := b.dial(gossh.PublicKeys(offers...))
		if err != nil {
			t.Fatal(err)
		}
		if got := greeting(t, c); !strings.Contains(got, "Hi bob!") {
			t.Errorf("bob is greeted %q", got)
		}
		c.Close()
	}
	if c, err := b.dial(gossh.PublicKeys(spoiled{bob}, spoiled{ada})); err == nil {
		c.Close()
		t.Error("two keys that did not sign were let in")
	}
}

func TestTheRealSSHWithAKeyThatItCannotUseAndOneThatItCan(t *testing.T) {
	b := startSSH(t)
	adaPath, ada := b.keyFile(t, "ada")
	bobPath, bob := b.keyFile(t, "bob")
	b.enrol(t, "ada", ada)
	b.enrol(t, "bob", bob)
	// ssh asks about ada's public key and is told yes, finds no private half that it can read, and signs with bob's.
	if err := os.WriteFile(adaPath, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, _ := b.run(t, append(b.ssh(adaPath+".pub"), "-i", bobPath), "whoami")
	if !strings.Contains(stderr, "Hi bob!") {
		t.Errorf("bob is greeted %q", stderr)
	}
}

func TestCommandsOfTheDoor(t *testing.T) {
	b := startSSH(t)
	b.onReceive = func(_ context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
		data, err := io.ReadAll(stdin)
		_, _ = stdout.Write([]byte("out:" + string(data)))
		_, _ = stderr.Write([]byte("err"))
		return 7, err
	}
	ada := b.user(t, "ada")
	tests := []struct {
		command        string
		stdout, stderr string
		code           int
		call           string
	}{
		{command: "git-receive-pack 'hello'", stdout: "out:", stderr: "err", code: 7, call: "ada: ReceivePack hello"},
		{command: "git-receive-pack '/hello.git'", stdout: "out:", stderr: "err", code: 7, call: "ada: ReceivePack hello"},
		{command: "git-upload-pack '/hello'", call: "ada: UploadPack hello"},
		{command: "", stderr: "Hi ada! This is paas: push with git, or use the paas command.\n", code: 1},
		{command: "id; rm -rf /", stderr: "Hi ada! paas does not run \"id; rm -rf /\" here: push with git, or use the paas command.\n", code: 1},
		{command: "git-receive-pack '../../etc'", stderr: "app name \"../../etc\" is not valid", code: 1},
		{command: "git-receive-pack '$(id)'", stderr: "app name \"$(id)\" is not valid", code: 1},
		{command: "git-receive-pack '-rf'", stderr: "app name \"-rf\" is not valid", code: 1},
		{command: "git-receive-pack 'hello' --upload-pack=id", stderr: "does not run", code: 1},
	}
	for _, tt := range tests {
		t.Run(tt.command, func(t *testing.T) {
			before := b.lastCall()
			args := []string{}
			if tt.command != "" {
				args = append(args, tt.command)
			}
			stdout, stderr, code := b.run(t, ada, args...)
			if stdout != tt.stdout || !strings.Contains(stderr, tt.stderr) || code != tt.code {
				t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
			}
			if tt.call == "" {
				tt.call = before
			}
			if got := b.lastCall(); got != tt.call {
				t.Errorf("called %q", got)
			}
		})
	}
}

func TestAnInteractiveLoginIsGreeted(t *testing.T) {
	b := startSSH(t)
	host, port, _ := net.SplitHostPort(b.addr)
	login := strings.Join(append(b.user(t, "ada"), "-p", port, "paas@"+host), " ")
	out, err := exec.CommandContext(within(t), "script", "-qec", login, "/dev/null").CombinedOutput() // gives it a terminal
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("exit %v", err)
	}
	if !strings.Contains(string(out), "Hi ada! This is paas: push with git, or use the paas command.") {
		t.Errorf("%q", out)
	}
}

func TestAPanicInOneSessionIsNoneOfTheOthers(t *testing.T) {
	b := startSSH(t)
	b.onReceive = func(context.Context, string, io.Reader, io.Writer, io.Writer) (int, error) { panic("out of order") }
	ada := b.user(t, "ada")
	_, stderr, code := b.run(t, ada, "git-receive-pack 'hello'")
	if code != 1 || !strings.Contains(stderr, "paas: internal error (request id ") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if !strings.Contains(b.log.String(), "out of order") {
		t.Error("the log does not say what happened")
	}
}

func TestHostileCommandLinesReachNoService(t *testing.T) {
	b := startSSH(t)
	_, signer := b.keyFile(t, "ada")
	b.enrol(t, "ada", signer)
	c, err := b.dial(gossh.PublicKeys(signer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, name := range hostileNames {
		if strings.HasSuffix(name, ".git") {
			continue // that suffix is taken off here
		}
		for _, verb := range []string{"git-receive-pack", "git-upload-pack"} {
			session, err := c.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			if err := session.Run(verb + " '" + name + "'"); err == nil {
				t.Errorf("%s %q went through", verb, name)
			}
			session.Close()
		}
	}
	if call := b.lastCall(); call != "" {
		t.Errorf("called %s", call)
	}
}

func TestOnlyPublicKeysLetIn(t *testing.T) {
	b := startSSH(t)
	path, stranger := b.keyFile(t, "stranger")
	_, stderr, code := b.run(t, b.ssh(path), "api")
	if code != 255 || !strings.Contains(stderr, "Permission denied (publickey).") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if !strings.Contains(b.log.String(), gossh.FingerprintSHA256(stranger.PublicKey())) {
		t.Error("the log does not have the fingerprint to enrol")
	}
	asked := gossh.KeyboardInteractiveChallenge(func(string, string, []string, []bool) ([]string, error) { return nil, nil })
	for name, auth := range map[string]gossh.AuthMethod{"password": gossh.Password("x"), "keyboard-interactive": asked} {
		if c, err := b.dial(auth); err == nil {
			c.Close()
			t.Errorf("%s was let in", name)
		}
	}
	if c, err := b.dial(); err == nil {
		c.Close()
		t.Error("nothing at all was let in")
	}
}

func TestNothingIsForwarded(t *testing.T) {
	b := startSSH(t)
	_, signer := b.keyFile(t, "ada")
	b.enrol(t, "ada", signer)
	c, err := b.dial(gossh.PublicKeys(signer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if conn, err := c.Dial("tcp", b.tcp); err == nil {
		conn.Close()
		t.Error("a local port was forwarded")
	}
	if l, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
		t.Error("a remote port was forwarded")
	}
	for _, request := range []string{"auth-agent-req@openssh.com", "x11-req", "pty-req", "env", "subsystem"} {
		session, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := session.SendRequest(request, true, gossh.Marshal(&struct{ Name string }{"sftp"})); ok || err != nil {
			t.Errorf("%s: %v %v", request, ok, err)
		}
		session.Close()
	}
}

func TestARemovedKeyOpensNothingOnAnOldConnection(t *testing.T) {
	b := startSSH(t)
	_, signer := b.keyFile(t, "ada")
	b.enrol(t, "ada", signer)
	c, err := b.dial(gossh.PublicKeys(signer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	greeting(t, c)
	if _, err := b.RemoveKey("ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.NewSession(); err == nil || !strings.Contains(err.Error(), "removed") {
		t.Error(err)
	}
}

func TestASessionEndsWithItsChannel(t *testing.T) {
	b := startSSH(t)
	begun, ended := make(chan string, 1), make(chan error, 1)
	b.onReceive = func(ctx context.Context, app string, _ io.Reader, _, _ io.Writer) (int, error) {
		begun <- paas.UserOf(ctx)
		<-ctx.Done()
		ended <- ctx.Err()
		return 1, ctx.Err()
	}
	_, signer := b.keyFile(t, "ada")
	b.enrol(t, "ada", signer)
	c, err := b.dial(gossh.PublicKeys(signer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, hangUp := range []func(*gossh.Session) error{
		func(s *gossh.Session) error { return s.Close() },
		func(*gossh.Session) error { return c.Close() },
	} {
		session, err := c.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Start("git-receive-pack 'hello'"); err != nil {
			t.Fatal(err)
		}
		if user := await(t, "the push", begun); user != "ada" {
			t.Errorf("user %s", user)
		}
		if err := hangUp(session); err != nil {
			t.Fatal(err)
		}
		await(t, "its end", ended)
	}
}

func TestShutdownLetsAPushFinish(t *testing.T) {
	b := startSSH(t)
	begun, goOn := make(chan struct{}), make(chan struct{})
	b.onReceive = func(ctx context.Context, _ string, _ io.Reader, _, _ io.Writer) (int, error) {
		close(begun)
		select {
		case <-goOn:
			return 0, nil
		case <-ctx.Done():
			return 1, ctx.Err()
		}
	}
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
	if err := session.Start("git-receive-pack 'hello'"); err != nil {
		t.Fatal(err)
	}
	await(t, "the push", begun)
	stopped := make(chan struct{})
	go func() { b.stop(); close(stopped) }()
	for refused := false; !refused; {
		late, err := c.NewSession()
		if refused = err != nil; !refused {
			late.Close()
		}
	}
	close(goOn)
	if err := session.Wait(); err != nil {
		t.Errorf("the push was cut: %v", err)
	}
	await(t, "the end of the door", stopped)
}
