package runtime

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// engine is a Docker engine of a test's own, with a disk of its own that is soon full and a build cache that nobody shares.
type engine struct {
	dir string
	pid int
}

// engineRole tells the test binary that it is to become such an engine, in the folder that it names.
const engineRole = "PAAS_RUNTIME_TEST_ENGINE"

// engineDisk is the size of its disk.
const engineDisk = 96 << 20

// startEngine starts one as root. It ends with the test process, even if that is killed, and with it its mount and network
// namespaces. Without the latter it would take the machine's docker0 away: that is what an engine does that is to have none.
func startEngine(t *testing.T) *engine {
	t.Helper()
	dir, err := os.MkdirTemp("", "paas-engine-") // short enough for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{dir: dir}
	cmd := exec.Command(os.Args[0]) //nolint:forbidigo // it is told to end below
	cmd.Env = append(os.Environ(), engineRole+"="+dir)
	var log safeBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	ended := keepThread(t, cmd)
	e.pid = cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it ends its containers, too
		<-ended
		if t.Failed() {
			t.Logf("dockerd says:\n%s", log.String())
		}
		_ = os.RemoveAll(dir)
	})
	d := e.docker(t)
	eventually(t, "the test's own engine answers", func() bool {
		select {
		case <-ended:
			t.Fatalf("dockerd, which has to be run as root, ends:\n%s", log.String())
		default:
		}
		return d.Ping(t.Context()) == nil
	})
	return e
}

// keepThread starts cmd on a thread that lives as long as cmd does: the kernel takes the end of that thread for the end of
// the parent. The channel is closed when cmd has ended.
func keepThread(t *testing.T, cmd *exec.Cmd) <-chan struct{} {
	t.Helper()
	started, ended := make(chan error), make(chan struct{})
	go func() {
		goruntime.LockOSThread()
		defer goruntime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is told to end
		}
		close(ended)
	}()
	if err := <-started; err != nil {
		t.Fatalf("start an engine of the test's own, as root: %v", err)
	}
	return ended
}

// becomeEngine returns only if it fails to.
func becomeEngine(dir string) error {
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o711); err != nil {
		return err
	}
	if err := syscall.Mount("none", root, "tmpfs", 0, fmt.Sprintf("size=%d", engineDisk)); err != nil {
		return fmt.Errorf("mount the engine's disk: %w", err)
	}
	settings := filepath.Join(dir, "daemon.json") // not the machine's
	if err := os.WriteFile(settings, []byte("{}"), 0o644); err != nil {
		return err
	}
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	program, err := exec.LookPath("dockerd")
	if err != nil {
		return err
	}
	return syscall.Exec(program, []string{
		program, "--config-file", settings, "--data-root", root, "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--host", "unix://" + filepath.Join(dir, "docker.sock"),
		"--bridge", "none", "--iptables=false", "--ip6tables=false",
	}, os.Environ())
}

// docker is a runtime of an installation of its own on this engine.
func (e *engine) docker(t *testing.T) *Docker {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := New(Options{Installation: newID(), Host: "unix://" + filepath.Join(e.dir, "docker.sock"), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// fill leaves no space on the engine's disk until the returned function makes some.
func (e *engine) fill(t *testing.T) (free func()) {
	t.Helper()
	path := filepath.Join(fmt.Sprintf("/proc/%d/root", e.pid), e.dir, "root", "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("the disk is not filled: %v", err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// zeros is without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// safeBuffer may be read while it is written to.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
