// Package acme runs an ACME authority for tests: Let's Encrypt's Pebble, on this machine, built once from a module of its
// own (test/pebble) that keeps it out of the product's.
package acme

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Authority is a running one. Every name leads to this machine there, but those under nowhere.test.
type Authority struct {
	Directory string `json:"directory"` // URL
	CA        string `json:"ca"`        // PEM of what the authority's own front is checked by
	Root      string `json:"root"`      // PEM of what its certificates are

	mu     sync.Mutex
	stdin  io.Writer
	answer *bufio.Scanner
}

// Start runs one until the test ends, which issues certificates for so long; 0: 90 days. It is of no use before Look.
func Start(t testing.TB, validity time.Duration) *Authority {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{}
	if validity > 0 {
		args = append(args, "-validity", validity.String())
	}
	cmd := exec.CommandContext(context.Background(), program, args...)
	var said lockedBuffer
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stdin.Close(), cmd.Wait()); err != nil {
			t.Errorf("pebble: %v", err)
		}
		if t.Failed() {
			t.Logf("pebble said:\n%s", said.String())
		}
	})
	a := &Authority{stdin: stdin, answer: bufio.NewScanner(stdout)}
	a.answer.Buffer(nil, 1<<20)
	if !a.answer.Scan() {
		t.Fatal("pebble does not say where it is")
	}
	if err := json.Unmarshal(a.answer.Bytes(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

// Look tells on which ports of this machine challenges are looked at. It can be told again.
func (a *Authority) Look(t testing.TB, httpPort, tlsPort int) {
	t.Helper()
	a.ask(t, fmt.Sprintf("ports %d %d", httpPort, tlsPort))
}

// Orders is how many certificates were asked for.
func (a *Authority) Orders(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(a.ask(t, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (a *Authority) ask(t testing.TB, command string) string {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := fmt.Fprintln(a.stdin, command); err != nil {
		t.Fatal(err)
	}
	if !a.answer.Scan() {
		t.Fatalf("pebble does not answer: %v", a.answer.Err())
	}
	return a.answer.Text()
}

// CAPool is what the authority's own front is checked by, RootPool what its certificates are.
func (a *Authority) CAPool() *x509.CertPool   { return pool(a.CA) }
func (a *Authority) RootPool() *x509.CertPool { return pool(a.Root) } //nolint:revive // one comment for both

func pool(text string) *x509.CertPool {
	p := x509.NewCertPool()
	p.AppendCertsFromPEM([]byte(text))
	return p
}

// build makes the program once a process, in .cache, where other test processes find it in go's build cache.
var build = sync.OnceValues(func() (string, error) {
	dir, err := module()
	if err != nil {
		return "", err
	}
	cache := filepath.Join(dir, "..", "..", ".cache", "pebble")
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
	program := filepath.Join(cache, "pebble")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", program+".new", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pebble: %w\n%s", err, said)
	}
	return program, os.Rename(program+".new", program) // one that runs may be in use
})

// module finds test/pebble above the folder of the test.
func module() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if m := filepath.Join(dir, "test", "pebble"); exists(filepath.Join(m, "go.mod")) {
			return m, nil
		}
	}
	return "", errors.New("the tests do not run inside the repository")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lockedBuffer is what a process says.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
