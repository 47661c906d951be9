// Package hub runs an image registry for tests: the CNCF's Distribution, on this machine, built once from a module of its
// own (test/registry) that keeps it out of the product's.
package hub

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// The account of a private registry.
const (
	User     = "ada"
	Password = "correct-horse-battery"
)

// Registry is a running one. Its images are in memory.
type Registry struct {
	Host string // 127.0.0.1:PORT, where engines take plain HTTP

	cmd   *exec.Cmd
	stdin io.Closer
	once  sync.Once
	err   error
}

// Start runs a registry until the test ends. A private one is open to User only.
func Start(t testing.TB, private bool) *Registry {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	var args []string
	if private {
		args = append(args, "-htpasswd", passwords(t))
	}
	r := &Registry{cmd: exec.CommandContext(context.Background(), program, args...)}
	var said strings.Builder
	r.cmd.Stderr = &said
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Stop(t)
		if t.Failed() {
			t.Logf("the registry said:\n%s", said.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the registry does not say where it is: %v", err)
	}
	r.Host = strings.TrimSpace(line)
	return r
}

// Stop ends the registry, so that nothing answers at its host.
func (r *Registry) Stop(t testing.TB) {
	t.Helper()
	r.once.Do(func() { r.err = errors.Join(r.stdin.Close(), r.cmd.Wait()) })
	if r.err != nil {
		t.Errorf("registry: %v", r.err)
	}
}

func passwords(t testing.TB) string {
	t.Helper()
	sum, err := bcrypt.GenerateFromPassword([]byte(Password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "htpasswd")
	if err := os.WriteFile(path, []byte(User+":"+string(sum)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// build makes the program once a process, in .cache, where other test processes find it in go's build cache.
var build = sync.OnceValues(func() (string, error) {
	dir, err := module()
	if err != nil {
		return "", err
	}
	cache := filepath.Join(dir, "..", "..", ".cache", "registry")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(cache, "build.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	program := filepath.Join(cache, "registry")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", program+".new", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the registry: %w\n%s", err, said)
	}
	return program, os.Rename(program+".new", program) // one that runs may be in use
})

// module finds test/registry above the folder of the test.
func module() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		m := filepath.Join(dir, "test", "registry")
		if _, err := os.Stat(filepath.Join(m, "go.mod")); err == nil {
			return m, nil
		}
	}
	return "", errors.New("the tests do not run inside the repository")
}
