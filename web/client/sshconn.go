package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"paas"
)

const (
	// exitWait is how long a program that has been told to end, or whose streams have, may take.
	exitWait = 2 * time.Second
	// maxSaid bounds what is kept of ssh's stderr.
	maxSaid = 4 << 10
)

// programs starts ssh processes and owns them.
type programs struct {
	argv   []string
	env    []string
	where  string
	stderr io.Writer // may be nil

	mu     sync.Mutex
	conns  map[*sshConn]struct{}
	closed bool
}

func newPrograms(argv, env []string, where string, stderr io.Writer) *programs {
	return &programs{argv: argv, env: env, where: where, stderr: stderr, conns: map[*sshConn]struct{}{}}
}

// start runs ssh; its stdin and stdout are the connection. That it could log in shows with the first byte.
func (p *programs) start(ctx context.Context) (net.Conn, error) {
	if err := errors.Join(ctx.Err(), p.over()); err != nil {
		return nil, err
	}
	c, err := p.command()
	if err != nil {
		return nil, paas.Errorf(paas.Unavailable, "%s cannot be run: %w", paas.Quote(p.argv[0]), err).
			WithHint("install the OpenSSH client, or set PAAS_SSH to an ssh program")
	}
	if !p.keep(c) {
		_ = c.Close() // our own pipes
		c.end()
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p *programs) over() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	return nil
}

// keep makes c one of those that close ends; false when close has been called.
func (p *programs) keep(c *sshConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

// command starts one process with a pipe each way.
func (p *programs) command() (*sshConn, error) {
	stdin, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer stdin.Close()
	r, stdout, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a pipe: %w", err), w.Close())
	}
	defer stdout.Close()
	c := &sshConn{programs: p, r: r, w: w, said: &tail{also: p.stderr}, exited: make(chan struct{})}
	c.cmd = exec.Command(p.argv[0], p.argv[1:]...) //nolint:forbidigo // close ends it: it may first say why
	c.cmd.Env = p.env
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = stdin, stdout, c.said
	c.cmd.WaitDelay = exitWait / 4 // a ControlPersist master keeps our stderr open for long
	if err := c.cmd.Start(); err != nil {
		return nil, errors.Join(err, r.Close(), w.Close())
	}
	go c.wait()
	return c, nil
}

// close ends all connections and waits for their processes.
func (p *programs) close() {
	p.mu.Lock()
	p.closed = true
	conns := p.conns
	p.conns = nil
	p.mu.Unlock()
	for c := range conns {
		_ = c.Close() // closing our own pipes; the process is what matters
	}
	for c := range conns {
		c.end()
	}
}

func (p *programs) forget(c *sshConn) {
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// sshConn is a connection through a running ssh. Its own goroutine waits for the process; programs.close waits for that.
type sshConn struct {
	programs *programs
	cmd      *exec.Cmd
	r, w     *os.File
	said     *tail
	exited   chan struct{} // closed when the process is gone; status may be read then
	status   error
	heard    atomic.Bool // something came from the other end: ssh has logged in
	closed   atomic.Bool
}

func (c *sshConn) wait() {
	c.status = c.cmd.Wait()
	c.programs.forget(c)
	close(c.exited)
}

// Read reads from ssh. An end before the first byte is ssh's failure, and the error says what it said.
func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n > 0 {
		c.heard.Store(true)
	}
	return n, c.explain(err)
}

func (c *sshConn) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	return n, c.explain(err)
}

func (c *sshConn) explain(err error) error {
	if err == nil || c.heard.Load() || c.closed.Load() || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	timeout := time.NewTimer(exitWait)
	defer timeout.Stop()
	select {
	case <-c.exited:
		return loginError(c.programs.where, c.said.String(), c.status)
	case <-timeout.C:
		return err
	}
}

// Close ends the connection. The process notices by itself.
func (c *sshConn) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	return errors.Join(c.w.Close(), c.r.Close())
}

// end waits until the process is gone, and in the end makes it so.
func (c *sshConn) end() {
	timeout := time.NewTimer(exitWait)
	defer timeout.Stop()
	select {
	case <-c.exited:
		return
	case <-timeout.C:
	}
	_ = c.cmd.Process.Kill() // it may have gone just now
	<-c.exited
}

func (c *sshConn) LocalAddr() net.Addr                { return sshAddr("paas") }
func (c *sshConn) RemoteAddr() net.Addr               { return sshAddr(c.programs.where) }
func (c *sshConn) SetReadDeadline(t time.Time) error  { return c.r.SetReadDeadline(t) }
func (c *sshConn) SetWriteDeadline(t time.Time) error { return c.w.SetWriteDeadline(t) }
func (c *sshConn) SetDeadline(t time.Time) error {
	return errors.Join(c.r.SetReadDeadline(t), c.w.SetWriteDeadline(t))
}

type sshAddr string

func (a sshAddr) Network() string { return "ssh" }
func (a sshAddr) String() string  { return string(a) }

// tail keeps the end of what is written to it.
type tail struct {
	also io.Writer
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(p []byte) (int, error) {
	if t.also != nil {
		_, _ = t.also.Write(p) // a copy for whoever watches; ssh must go on without
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - maxSaid; over > 0 {
		t.data = t.data[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ReplaceAll(string(t.data), "\r", ""))
}

// loginError says why ssh ended before paasd answered. ssh has one exit status for all its failures, so the text
// decides the hint; it is shown in any case.
func loginError(where, said string, status error) error {
	lines := strings.Split(said, "\n")
	last := lines[len(lines)-1]
	if last == "" {
		last = "ssh ended without a word"
	}
	switch {
	case strings.Contains(said, "Permission denied"):
		return paas.Errorf(paas.Unauthorized, "%s does not let you in: %s", where, last).Because(status).
			WithHint("load your key with ssh-add; if it is new there, ask whoever runs paasd for: paasd key add NAME FILE")
	case strings.Contains(said, "Host key verification failed"):
		return paas.Errorf(paas.Unavailable, "the host key of %s is not known here or has changed: %s", where, last).Because(status).
			WithHint("connect once by hand and compare the fingerprint: ssh %s", where)
	}
	return paas.Errorf(paas.Unavailable, "%s cannot be reached: %s", where, last).Because(status).
		WithHint("check that paasd runs there, and try: ssh %s", where)
}
