package store

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"paas"
)

// The test binary runs itself as a child that may be killed or run out of space; these tell it so.
const (
	childRole = "PAAS_STORE_TEST_ROLE"
	childDir  = "PAAS_STORE_TEST_DIR"
)

func child(role, dir string) int {
	var err error
	switch role {
	case "writer":
		err = writeForEver(dir)
	case "full":
		err = fillUp(dir)
	}
	fmt.Println("child:", err)
	return 1
}

func startChild(t *testing.T, role, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = ownMounts()
	out := must(cmd.StdoutPipe())(t)
	check(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // it is killed, or exits with 1: what it prints counts
	return cmd, bufio.NewScanner(out)
}

// ownMounts lets the child mount a file system that nobody else sees, as any user.
func ownMounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// writeForEver releases an app again and again, creating and deleting others, and prints each version once it is acknowledged.
func writeForEver(dir string) error {
	db, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	app, err := db.AppByName("steady")
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		r, err := db.AppendRelease(paas.Release{App: app.ID}, paas.Config{"N": strings.Repeat("x", n*97%5000)})
		if err != nil {
			return err
		}
		if _, err := db.FinishRelease(app.ID, r.Version, paas.Outcome{Status: paas.ReleaseSucceeded}, nil); err != nil {
			return err
		}
		fmt.Println(r.Version)
		other, err := db.CreateApp("brief", "brief.localhost")
		if err != nil {
			return err
		}
		if err := errors.Join(db.AddDomain(other.ID, "brief.example.com", ""), db.DeleteApp(other.ID), db.ForgetApp(other.ID)); err != nil {
			return err
		}
	}
}

func TestKilledInTheMiddleOfWritesItLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	id := must(db.CreateApp("steady", "steady.localhost"))(t).ID
	check(t, db.Close())
	for round := range 6 {
		cmd, out := startChild(t, "writer", dir)
		acknowledged := 0
		for n := 0; n < 5+7*round && out.Scan(); n++ {
			if _, err := fmt.Sscan(out.Text(), &acknowledged); err != nil {
				t.Fatalf("the child said %q", out.Text())
			}
		}
		check(t, cmd.Process.Kill())
		for out.Scan() { // what it acknowledged before the kill reached it
			if _, err := fmt.Sscan(out.Text(), &acknowledged); err != nil {
				t.Fatalf("the child said %q", out.Text())
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		survive(t, dir, id, acknowledged)
	}
}

func survive(t *testing.T, dir, id string, acknowledged int) {
	t.Helper()
	db := open(t, dir)
	defer func() { check(t, db.Close()) }()
	check(t, db.VerifyReleases(id))
	check(t, db.bolt.View(invariants))
	app := must(db.App(id))(t)
	if app.Current < acknowledged || app.Current > acknowledged+1 {
		t.Fatalf("v%d is current, v%d was acknowledged", app.Current, acknowledged)
	}
	if other, err := db.AppByName("brief"); err == nil {
		check(t, errors.Join(db.DeleteApp(other.ID), db.ForgetApp(other.ID)))
	}
	for _, r := range must(db.PendingReleases())(t) {
		must(db.FinishRelease(r.App, r.Version, paas.Outcome{Status: paas.ReleaseFailed, Error: "interrupted"}, nil))(t)
	}
}

// fillUp works on a file system of its own, in a mount namespace of its own, until that is full, and goes on when it has grown.
func fillUp(dir string) error {
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=512k"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	db, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	app, err := db.CreateApp("steady", "")
	if err != nil {
		return err
	}
	for n := 0; err == nil; n++ {
		_, err = db.AppendRelease(paas.Release{App: app.ID}, paas.Config{"BIG": strings.Repeat("x", 60_000), "N": fmt.Sprint(n)})
	}
	if paas.CodeOf(err) != paas.Unavailable || hint(err) == "" || !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("wrong error: %w", err)
	}
	fmt.Println(err)
	if err := errors.Join(db.VerifyReleases(app.ID), db.bolt.View(invariants), db.Close()); err != nil {
		return fmt.Errorf("after a failed write: %w", err)
	}
	if db, err = Open(dir, Options{}); err != nil {
		return fmt.Errorf("open on a full disk: %w", err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT, "size=4m"); err != nil {
		return fmt.Errorf("grow: %w", err)
	}
	_, err = db.AppendRelease(paas.Release{App: app.ID}, paas.Config{"A": "1"})
	return errors.Join(err, db.VerifyReleases(app.ID), db.bolt.View(invariants), db.Close())
}

func TestOnAFullDiskAWriteFailsAndTheRestGoesOn(t *testing.T) {
	dir := t.TempDir()
	_, out := startChild(t, "full", dir)
	for _, want := range []string{"no space left for " + filepath.Join(dir, dbFile), "child: <nil>"} {
		if !out.Scan() || out.Text() != want {
			t.Errorf("the child said %q, want %q", out.Text(), want)
		}
	}
}
