package platform

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// User is somebody with an SSH key of their own.
type User struct {
	Name string
	Key  string // file of the private key; Key+".pub" is the public one
	p    *Platform
}

// User makes somebody whom the platform does not know yet; Enrol lets them in.
func (p *Platform) User(t testing.TB) *User {
	t.Helper()
	u, err := p.newUser(p.unique("user"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Enrol lets the user in, with `paasd key add`.
func (u *User) Enrol(t testing.TB) *User {
	t.Helper()
	if err := u.p.enrol(u); err != nil {
		t.Fatal(err)
	}
	return u
}

func (p *Platform) newUser(name string) (*User, error) {
	u := &User{Name: name, Key: filepath.Join(p.Dir, "key-"+name), p: p}
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", u.Key).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("make the key of %s: %w: %s", name, err, out)
	}
	return u, nil
}

func (p *Platform) enrol(u *User) error {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	out, err := p.Daemon(ctx, "key", "add", u.Name, u.Key+".pub", "--data-dir", p.DataDir()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("paasd key add %s: %w: %s", u.Name, err, out)
	}
	return nil
}

// SSHCommand is what GIT_SSH_COMMAND holds: the system's ssh with the user's key and nothing of the machine's own set-up.
func (u *User) SSHCommand() string {
	return strings.Join([]string{
		"ssh", "-F", "/dev/null", "-i", u.Key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
		"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + u.p.knownHosts(),
	}, " ")
}

// Env is the whole environment of a program that the user runs: the real binaries first in PATH, PAAS_URL and
// GIT_SSH_COMMAND, nothing of the machine's own configuration.
func (u *User) Env() []string {
	return append(u.p.baseEnv(),
		"PAAS_URL="+u.p.SSHURL(),
		"GIT_SSH_COMMAND="+u.SSHCommand(),
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_CEILING_DIRECTORIES="+u.p.Dir,
	)
}

// baseEnv keeps of the machine's environment only what finds programs and the engine. The race detector writes its
// reports into files, which Close reads, and does not wait a second at each exit.
func (p *Platform) baseEnv() []string {
	env := []string{
		"PATH=" + p.bin.Dir + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + p.home(),
		"LANG=C.UTF-8",
		"TMPDIR=" + os.TempDir(),
		"GORACE=atexit_sleep_ms=0 log_path=" + filepath.Join(p.Dir, "race"),
	}
	host := os.Getenv("DOCKER_HOST")
	if p.options.Engine != nil {
		host = p.options.Engine.Host()
	}
	if host != "" {
		env = append(env, "DOCKER_HOST="+host)
	}
	return env
}

// daemonEnv has a variable that no app and no build may ever see.
func (p *Platform) daemonEnv() []string { return append(p.baseEnv(), "PAASD_SECRET="+DaemonSecret) }

// DaemonSecret is in paasd's own environment, and must reach nothing.
const DaemonSecret = "of-the-daemon-only"

// SSHURL is the PAAS_URL of the SSH door.
func (p *Platform) SSHURL() string {
	return fmt.Sprintf("ssh://paas@localhost:%d", p.slot.addr(1).Port())
}

// SSHPort is that of the SSH door.
func (p *Platform) SSHPort() uint16 { return p.slot.addr(1).Port() }

func (p *Platform) knownHosts() string { return filepath.Join(p.Dir, "known_hosts") }

// trustHost makes ssh accept paasd's host key and no other.
func (p *Platform) trustHost() error {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	key, err := exec.CommandContext(ctx, "ssh-keygen", "-y", "-f", filepath.Join(p.DataDir(), "ssh_host_ed25519_key")).Output()
	if err != nil {
		return fmt.Errorf("read paasd's host key: %w", err)
	}
	port := p.SSHPort()
	line := fmt.Sprintf("[localhost]:%d,[127.0.0.1]:%d %s", port, port, key)
	return os.WriteFile(p.knownHosts(), []byte(line), 0o644)
}
