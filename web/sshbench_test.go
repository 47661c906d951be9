package web

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

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
	return startSilentSSH(t, 0)
}

// startSilentSSH is startSSH for clients that may be silent for so long.
func startSilentSSH(t *testing.T, silence time.Duration) *sshBench {
	t.Helper()
	b := &sshBench{bench: start(t), dir: t.TempDir()}
	door, err := NewSSH(b.server, SSHOptions{HostKeyPath: filepath.Join(b.dir, "host_key"), Log: b.log.logger(), Silence: silence})
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
	argv := b.at(ssh, args...)
	cmd := exec.CommandContext(within(t), argv[0], argv[1:]...)
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

// at is an ssh command line to the door.
func (b *sshBench) at(ssh []string, args ...string) []string {
	host, port, _ := net.SplitHostPort(b.addr)
	return append(append(append([]string{}, ssh...), "-p", port, "any@"+host), args...)
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
