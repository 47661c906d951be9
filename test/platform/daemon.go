package platform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// daemon is the process `paasd serve` of a platform.
type daemon struct {
	cmd  *exec.Cmd
	gone chan struct{} // closed once it has been waited for
	err  error         // valid after gone
}

// How long paasd gets to be ready and to end. A paasd with the race detector on a busy machine is slow.
const (
	readyTime = 60 * time.Second
	stopTime  = 60 * time.Second
)

// Serve starts paasd, with more in its environment for this once, and returns once it answers.
func (p *Platform) Serve(env ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paasd != nil {
		return errors.New("paasd runs already")
	}
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := p.Daemon(context.Background(), p.serveArgs()...)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start paasd: %w", err)
	}
	d := &daemon{cmd: cmd, gone: make(chan struct{})}
	go func() {
		d.err = cmd.Wait()
		close(d.gone)
	}()
	p.paasd = d
	return p.ready(d)
}

// Program is the path of a binary under test: paasd, paas, probe or hello.
func (p *Platform) Program(name string) string { return p.bin.Path(name) }

// Daemon is another call of the paasd binary, with the environment that the platform's own paasd has.
func (p *Platform) Daemon(ctx context.Context, args ...string) *exec.Cmd {
	argv := p.inside(append([]string{p.bin.Path("paasd")}, args...)...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = p.Dir
	cmd.Env = append(p.daemonEnv(), p.options.Env...)
	return cmd
}

func (p *Platform) serveArgs() []string {
	args := []string{
		"serve", "--data-dir", p.DataDir(), "--domain", "localhost",
		"--http-addr", p.slot.addr(0).String(), "--ssh-addr", p.slot.addr(1).String(), "--api-addr", p.slot.addr(2).String(),
		"--subnet-pool", p.slot.pool().String(),
		"--build-cache", "0", // it is everybody's who uses the engine
	}
	if p.options.HTTPS {
		args = append(args, "--https-addr", p.SecureAddr())
	}
	return append(args, p.options.Args...)
}

func (p *Platform) ready(d *daemon) error {
	err := poll(readyTime, func() error {
		select {
		case <-d.gone:
			return errGone
		default:
		}
		return p.healthy()
	})
	if err != nil {
		return fmt.Errorf("paasd does not come up: %w\n%s", err, tail(p.Log(), 40))
	}
	return nil
}

var errGone = errors.New("paasd has exited")

// healthy asks paasd, and its router where it has one.
func (p *Platform) healthy() error {
	if err := status(p.client, p.APIURL()+"/healthz", 200); err != nil {
		return err
	}
	if p.options.NoRouter {
		return nil
	}
	return status(p.client, p.AppURL("paas", "/healthz"), 200)
}

// Stop ends paasd as its operator would, and says so unless it exits cleanly. Apps go on.
func (p *Platform) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paasd == nil {
		return nil
	}
	if err := p.paasd.end(syscall.SIGTERM); err != nil {
		return err
	}
	err := p.paasd.err
	p.paasd = nil
	if err != nil {
		return fmt.Errorf("paasd ends with %w\n%s", err, tail(p.Log(), 40))
	}
	return nil
}

// Kill ends paasd with kill -9.
func (p *Platform) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paasd == nil {
		return errors.New("paasd does not run")
	}
	err := p.paasd.end(syscall.SIGKILL)
	p.paasd = nil
	return err
}

// Killed waits for paasd to have ended by SIGKILL, which somebody else sent it.
func (p *Platform) Killed() error {
	p.mu.Lock()
	d := p.paasd
	p.mu.Unlock()
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-d.gone:
	case <-timer.C:
		return errors.New("paasd has not been killed")
	}
	p.mu.Lock()
	p.paasd = nil
	p.mu.Unlock()
	if status, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		return fmt.Errorf("paasd ends with %s\n%s", d.cmd.ProcessState, tail(p.Log(), 40))
	}
	return nil
}

// Restart ends paasd and starts it again, with more in its environment for this once.
func (p *Platform) Restart(env ...string) error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.Serve(env...)
}

func (d *daemon) end(how syscall.Signal) error {
	_ = d.cmd.Process.Signal(how) // gone already is seen below
	timer := time.NewTimer(stopTime)
	defer timer.Stop()
	select {
	case <-d.gone:
		return nil
	case <-timer.C:
		_ = d.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go into the log
		return fmt.Errorf("paasd does not end within %s of %s", stopTime, how)
	}
}

// PID of the running paasd, or 0.
func (p *Platform) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paasd == nil {
		return 0
	}
	return p.paasd.cmd.Process.Pid
}

func (p *Platform) logPath() string { return filepath.Join(p.Dir, "paasd.log") }

// Log is all that paasd has written, over all of its starts.
func (p *Platform) Log() string {
	content, err := os.ReadFile(p.logPath())
	if err != nil {
		return err.Error()
	}
	return string(content)
}

var announced = regexp.MustCompile(`\(installation ([a-z0-9]+)\)`)

// Installation is the id that paasd's objects on the engine bear in the label paas.installation; empty before the first
// start.
func (p *Platform) Installation() string {
	if found := announced.FindStringSubmatch(p.Log()); found != nil {
		return found[1]
	}
	return ""
}
