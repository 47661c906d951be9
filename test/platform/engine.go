package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// EngineOptions of an engine of a test's own.
type EngineOptions struct {
	// LiveRestore lets containers run on while the engine is stopped.
	LiveRestore bool
	// Disk bounds what the engine can keep, in bytes; such a disk does not survive PowerOff. Zero: the machine's own disk.
	Disk int64
}

// Engine is a Docker engine of a test's own, to be stopped, started and cut off: on a stand-in for a host, with a network,
// a /run and a disk of its own, so that it meets neither the machine's engine nor that of another test. paasd and its users
// run on that network, too, when the engine is among the platform's Options.
type Engine struct {
	Dir string

	options EngineOptions
	bin     Binaries
	cgroup  string

	machine atomic.Pointer[machine] // nil while the power is off
}

// StartEngine gives a test an engine, which is gone with the test however that ends.
func StartEngine(t testing.TB, o EngineOptions) *Engine {
	t.Helper()
	e, err := newEngine(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of dockerd's log:\n%s", tail(e.log(), 40))
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	return e
}

func newEngine(o EngineOptions) (*Engine, error) {
	bin, err := Build()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "paas-engine-")
	if err != nil {
		return nil, err
	}
	e := &Engine{Dir: dir, options: o, bin: bin, cgroup: filepath.Base(dir)}
	if err := os.Mkdir(e.root(), 0o711); err != nil {
		return nil, err
	}
	settings := fmt.Sprintf(`{"live-restore": %t}`, o.LiveRestore)
	if err := os.WriteFile(e.file("daemon.json"), []byte(settings), 0o644); err != nil {
		return nil, err
	}
	return e, e.PowerOn()
}

// PowerOn boots the host; its engine does not run yet.
func (e *Engine) PowerOn() error {
	if e.machine.Load() != nil {
		return errors.New("the power is on")
	}
	m, err := bootMachine(e.bin, e.Dir, e.cgroup)
	if err != nil {
		return err
	}
	e.machine.Store(m)
	if e.options.Disk == 0 {
		return nil
	}
	return m.tell(order{Tmpfs: e.root(), Bytes: e.options.Disk})
}

// PowerOff ends everything on the host at once, without a word to anybody. What was on the disk stays.
func (e *Engine) PowerOff() error {
	m := e.machine.Swap(nil)
	if m == nil {
		return errPowerOff
	}
	return m.off(true)
}

// How long dockerd gets to answer, and to end. By default it gives its containers 10 s.
const (
	engineStart = 60 * time.Second
	engineStop  = 60 * time.Second
)

// Start starts dockerd and returns once it answers.
func (e *Engine) Start() error {
	program, err := dockerd()
	if err != nil {
		return err
	}
	if err := os.Remove(e.file("docker.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // of one that was killed, its number may be another process's
	}
	m := e.machine.Load()
	if m == nil {
		return errPowerOff
	}
	err = m.tell(order{Log: e.file("dockerd.log"), Args: []string{
		program, "--config-file", e.file("daemon.json"), "--data-root", e.root(), "--exec-root", "/run/docker",
		"--pidfile", e.file("docker.pid"), "--host", e.Host(), "--group", strconv.Itoa(os.Getgid()),
		"--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", "/" + e.cgroup,
	}})
	if err != nil {
		return err
	}
	err = Wait(engineStart, "an engine of the test's own", func() error {
		_, err := e.Docker("version", "--format", "{{.Server.Version}}")
		return err
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, tail(e.log(), 40))
	}
	return nil
}

// Stop ends dockerd as the host's service manager would, and returns once it has ended.
func (e *Engine) Stop() error { return e.end(syscall.SIGTERM) }

// Kill ends dockerd with kill -9. Its containers run on.
func (e *Engine) Kill() error { return e.end(syscall.SIGKILL) }

func (e *Engine) end(how syscall.Signal) error {
	text, err := os.ReadFile(e.file("docker.pid"))
	if err != nil {
		return fmt.Errorf("dockerd does not run: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	if err := syscall.Kill(pid, how); err != nil {
		return fmt.Errorf("end dockerd: %w", err)
	}
	return Wait(engineStop, "dockerd to end", func() error {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d: %w", pid, cmp.Or(err, errRuns))
		}
		return nil
	})
}

var (
	errRuns     = errors.New("it runs")
	errPowerOff = errors.New("the power is off")
)

// Close ends everything and removes the disk.
func (e *Engine) Close() error {
	m := e.machine.Swap(nil)
	if m == nil {
		return os.RemoveAll(e.Dir)
	}
	return m.off(false)
}

// Host is the engine's address, as DOCKER_HOST has it.
func (e *Engine) Host() string { return "unix://" + e.file("docker.sock") }

// Docker runs the docker command on it and returns all that it says.
func (e *Engine) Docker(args ...string) (string, error) {
	return docker(append([]string{"--host", e.Host()}, args...)...)
}

// Root is the engine's data root, as a path that leads there from outside.
func (e *Engine) Root() string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", e.machine.Load().cmd.Process.Pid), e.root())
}

// inside is an argv that runs on the host's network; while the power is off it cannot.
func (e *Engine) inside(argv ...string) []string {
	if m := e.machine.Load(); m != nil {
		return m.inside(argv...)
	}
	return append([]string{"nsenter", "--net=" + e.file("off"), "--"}, argv...)
}

func (e *Engine) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m := e.machine.Load()
	if m == nil {
		return nil, errPowerOff
	}
	return m.dial(ctx, network, addr)
}

func (e *Engine) root() string { return e.file("root") }

func (e *Engine) file(name string) string { return filepath.Join(e.Dir, name) }

func (e *Engine) log() string {
	text, err := os.ReadFile(e.file("dockerd.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// dockerd finds the program, which is not in everybody's PATH.
func dockerd() (string, error) {
	path, err := exec.LookPath("dockerd")
	if errors.Is(err, exec.ErrNotFound) {
		path, err = exec.LookPath("/usr/sbin/dockerd")
	}
	if err != nil {
		return "", fmt.Errorf("these tests run Docker engines of their own: %w", err)
	}
	return path, nil
}

// docker runs the docker command.
func docker(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("docker %q: %w: %s", args, err, out)
	}
	return string(out), nil
}
