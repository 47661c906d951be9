package web

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"paas"
	"paas/web/client"

	gossh "golang.org/x/crypto/ssh"
)

// sshBench is a bench with the SSH door, and a home for the real ssh program.
type sshBench struct {
	*bench
	door *SSH
	addr string
	dir  string
	stop func()
}

func startSSH(t *testing.T) *sshBench {
	t.Helper()
	b := &sshBench{bench: start(t), dir: t.TempDir()}
	door, err := NewSSH(b.server, SSHOptions{HostKeyPath: filepath.Join(b.dir, "host_key"), Log: b.log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t)
	b.door, b.addr = door, l.Addr().String()
	b.stop = serve(t, func(ctx context.Context) error { return door.Serve(ctx, l) })
	return b
}

// keyFile makes a key pair for the ssh program.
func (b *sshBench) keyFile(t *testing.T, name string) (path string, signer gossh.Signer) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err = gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(b.dir, name)
	err = errors.Join(os.WriteFile(path, pem.EncodeToMemory(block), 0o600),
		os.WriteFile(path+".pub", gossh.MarshalAuthorizedKey(signer.PublicKey()), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return path, signer
}

// enrol lets a key in.
func (b *sshBench) enrol(t *testing.T, name string, signer gossh.Signer) {
	t.Helper()
	key, err := ParseKey(string(gossh.MarshalAuthorizedKey(signer.PublicKey())))
	if err != nil {
		t.Fatal(err)
	}
	key.Name = name
	if err := b.AddKey(key); err != nil {
		t.Fatal(err)
	}
}

// user makes a key, enrols it, and returns the ssh command that uses it alone.
func (b *sshBench) user(t *testing.T, name string) []string {
	t.Helper()
	path, signer := b.keyFile(t, name)
	b.enrol(t, name, signer)
	return b.ssh(path)
}

// ssh is the real program with a key, and without anything of whoever runs the test.
func (b *sshBench) ssh(keyPath string) []string {
	return []string{
		"ssh", "-F", "none", "-i", keyPath, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=" + filepath.Join(b.dir, "known_hosts"), "-o", "LogLevel=ERROR",
	}
}

// run runs an ssh command line at the door.
func (b *sshBench) run(t *testing.T, ssh []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	host, port, _ := net.SplitHostPort(b.addr)
	argv := append(append(append([]string{}, ssh[1:]...), "-p", port, "any@"+host), args...)
	cmd := exec.CommandContext(within(t), ssh[0], argv...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	} else if ok {
		code = exit.ExitCode()
	}
	return out.String(), errs.String(), code
}

// dial logs in with x/crypto's client.
func (b *sshBench) dial(auth ...gossh.AuthMethod) (*gossh.Client, error) {
	return gossh.Dial("tcp", b.addr, &gossh.ClientConfig{
		User: "paas", Auth: auth, HostKeyCallback: gossh.FixedHostKey(b.door.hostKey.PublicKey()), Timeout: patience,
	})
}

// greeting is who the door says a client is.
func greeting(t *testing.T, c *gossh.Client) string {
	t.Helper()
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	var stderr bytes.Buffer
	session.Stderr = &stderr
	exit, ok := errors.AsType[*gossh.ExitError](session.Run("whoami"))
	if !ok || exit.ExitStatus() != 1 {
		t.Errorf("exit %v", exit)
	}
	return stderr.String()
}

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
	ada := b.user(t, "ada")
	b.onReceive = func(_ context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
		data, err := io.ReadAll(stdin)
		_, _ = stdout.Write([]byte("out:" + string(data)))
		_, _ = stderr.Write([]byte("err"))
		return 7, err
	}
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

func TestAnInteractiveLoginIsGreetedOnOneLine(t *testing.T) {
	b := startSSH(t)
	_, stderr, code := b.run(t, b.user(t, "ada"), "-tt")
	if code == 0 || strings.Count(stderr, "Hi ada!") > 1 {
		t.Errorf("exit %d: %q", code, stderr)
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
	_, signer := b.keyFile(t, "ada")
	b.enrol(t, "ada", signer)
	begun, ended := make(chan string, 1), make(chan error, 1)
	b.onReceive = func(ctx context.Context, app string, _ io.Reader, _, _ io.Writer) (int, error) {
		begun <- paas.UserOf(ctx)
		<-ctx.Done()
		ended <- ctx.Err()
		return 1, ctx.Err()
	}
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

func TestTheHostKeyIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host_key")
	first, err := hostKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := hostKey(path)
	if err != nil || gossh.FingerprintSHA256(first.PublicKey()) != gossh.FingerprintSHA256(second.PublicKey()) {
		t.Errorf("another key the second time: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Error(info.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := hostKey(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a torn key: %v", err)
	}
}

func TestTooManyConnectionsAreTurnedAway(t *testing.T) {
	g := newGate(3, 2)
	pipe := func() net.Conn { a, c := net.Pipe(); t.Cleanup(func() { a.Close(); c.Close() }); return a }
	first, second := g.enter(pipe(), patience), g.enter(pipe(), patience)
	if first == nil || second == nil || g.enter(pipe(), patience) != nil {
		t.Fatal("two strangers are the limit")
	}
	first.known()
	third := g.enter(pipe(), patience)
	if third == nil || g.enter(pipe(), patience) != nil {
		t.Fatal("three connections are the limit")
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	second.known()
	if g.enter(pipe(), patience) == nil {
		t.Error("no room after one has left")
	}
	g.closeAll()
	if len(g.conns) != 0 || g.strangers != 0 {
		t.Errorf("%d connections, %d strangers are left", len(g.conns), g.strangers)
	}
}

func TestAStrangerIsCutOffInTime(t *testing.T) {
	g := newGate(1, 1)
	a, c := net.Pipe()
	defer c.Close()
	g.enter(a, 1)
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c)
		done <- err
	}()
	if err := await(t, "the end of the connection", done); err != nil {
		t.Error(err)
	}
}

func TestShutdownLetsAPushFinish(t *testing.T) {
	b := startSSH(t)
	_, signer := b.keyFile(t, "ada")
	b.enrol(t, "ada", signer)
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
