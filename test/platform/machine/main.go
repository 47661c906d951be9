// Command machine stands in for a host that can be switched off. It is started with a pipe as its stdin, in a mount and a
// network namespace of its own: an empty /run, a network of nothing but its loopback, and whatever programs it is told to
// start, one a line on stdin. All of their descendants stay its own.
//
// The end of stdin, or the line "off", cuts the power: every process ends at once, without a word to any other, and with
// them go mounts, bridges, addresses and firewall rules. What was on disk below the folder that is its argument stays for
// the next machine after "off"; else it is removed, too, so that nothing is left of a test that was killed.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) != 3 || !strings.Contains(filepath.Base(os.Args[1]), "paas-engine-") {
		fmt.Fprintln(os.Stderr, "use: machine FOLDER CGROUP, a folder named paas-engine-…, with a pipe as stdin")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "machine:", err)
		os.Exit(1)
	}
}

func run(dir, cgroup string, stdin io.Reader, stdout io.Writer) error {
	if err := boot(); err != nil {
		return err
	}
	go reap()
	fmt.Fprintln(stdout, "on")
	off, err := obey(stdin)
	err = errors.Join(err, endAll(), removeGroups(cgroup))
	if off {
		return err // what is mounted goes with the namespace
	}
	return errors.Join(err, unmountAll(dir), os.RemoveAll(dir))
}

// boot makes the machine out of the namespaces that it was started in.
func boot() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("adopt orphans: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	return loopbackUp()
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }() // it holds nothing
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	return nil
}

// Order is a line on stdin, as JSON: a program to start, or the end.
type Order struct {
	Args  []string // argv; the program by its path
	Log   string   // file that its output is added to
	Tmpfs string   // folder to mount a file system of Bytes on, first
	Bytes int64
	Off   bool
}

// obey starts programs until the power goes. off says that the disk is to stay.
func obey(stdin io.Reader) (off bool, err error) {
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		var o Order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return false, fmt.Errorf("read an order: %w", err)
		}
		if o.Off {
			return true, nil
		}
		if err := o.carryOut(); err != nil {
			return false, err
		}
	}
	return false, nil
}

func (o Order) carryOut() error {
	if o.Tmpfs != "" {
		if err := unix.Mount("tmpfs", o.Tmpfs, "tmpfs", 0, fmt.Sprintf("size=%d,mode=711", o.Bytes)); err != nil {
			return fmt.Errorf("mount %s: %w", o.Tmpfs, err)
		}
	}
	if len(o.Args) == 0 {
		return nil
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	log, err := os.OpenFile(o.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	p, err := os.StartProcess(o.Args[0], o.Args, &os.ProcAttr{Env: os.Environ(), Files: []*os.File{null, log, log}})
	if err != nil {
		return err
	}
	return p.Release() // reap waits for it, as for all
}

// reap buries every descendant that was left to us.
func reap() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for range ended {
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 && !errors.Is(err, syscall.EINTR) {
				break
			}
		}
	}
}
