package platform

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// machine is a stand-in for a host that can be switched off: see ./machine.
type machine struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	said  bytes.Buffer
	net   string // path of its network namespace
}

func bootMachine(bin Binaries, dir, cgroup string) (*machine, error) {
	m := &machine{cmd: exec.Command(bin.Path("machine"), dir, cgroup)} //nolint:forbidigo // it is to outlive us, for a moment
	m.cmd.Stderr = &m.said
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	stdin, err := m.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a machine (needs root): %w", err)
	}
	m.stdin, m.net = stdin, fmt.Sprintf("/proc/%d/ns/net", m.cmd.Process.Pid)
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "on\n" {
		return nil, errors.Join(fmt.Errorf("the machine does not come up: %w", err), m.off(false))
	}
	return m, nil
}

// order is one line for the machine: see its Order.
type order struct {
	Args  []string
	Log   string
	Tmpfs string
	Bytes int64
	Off   bool
}

func (m *machine) tell(o order) error {
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = m.stdin.Write(append(line, '\n'))
	return err
}

// off cuts the power and returns once all is gone; the disk stays if it is kept.
func (m *machine) off(keep bool) error {
	var err error
	if keep {
		err = m.tell(order{Off: true})
	}
	err = errors.Join(err, m.stdin.Close(), m.cmd.Wait())
	if err != nil {
		return fmt.Errorf("switch the machine off: %w\n%s", err, m.said.String())
	}
	return nil
}

// inside is an argv that runs on the machine's network; the process keeps its number.
func (m *machine) inside(argv ...string) []string {
	return append([]string{"nsenter", "--net=" + m.net, "--"}, argv...)
}

// dial connects from the machine's network. A socket stays for ever in the namespace of the thread that made it.
func (m *machine) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	own, err := os.Open("/proc/thread-self/ns/net") // all threads of ours are in the same one
	if err != nil {
		return nil, err
	}
	defer own.Close()
	there, err := os.Open(m.net)
	if err != nil {
		return nil, err
	}
	defer there.Close()
	runtime.LockOSThread()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("enter %s: %w", m.net, err)
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if back := unix.Setns(int(own.Fd()), unix.CLONE_NEWNET); back != nil {
		return nil, errors.Join(err, back) // still locked: the thread ends with its goroutine, and is of no use to others
	}
	runtime.UnlockOSThread()
	return conn, err
}
