package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long killed processes may take to be gone.
const patience = 30 * time.Second

// endAll ends every descendant. They are stopped first, so that none sees another die.
func endAll() error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		left, err := descendants(os.Getpid())
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %v do not end", left)
		}
		for _, how := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
			for _, pid := range left {
				if err := syscall.Kill(pid, how); err != nil && !errors.Is(err, syscall.ESRCH) {
					return fmt.Errorf("end process %d: %w", pid, err)
				}
			}
		}
	}
}

// descendants of a process, parents before their children.
func descendants(of int) ([]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, stat := range stats {
		if pid, parent, ok := parentOf(stat); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	var found []int
	for next := []int{of}; len(next) > 0; next = next[1:] {
		found = append(found, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return found, nil
}

// parentOf reads /proc/PID/stat: the number, the name in brackets, which may hold anything, the state, the parent's number.
func parentOf(stat string) (pid, parent int, ok bool) {
	text, err := os.ReadFile(stat)
	if err != nil {
		return 0, 0, false // gone since
	}
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0, 0, false
	}
	pid, pidErr := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
	parent, parentErr := strconv.Atoi(fields[1])
	return pid, parent, pidErr == nil && parentErr == nil
}

// removeGroups removes the control groups that the engine made, in every hierarchy, children first.
func removeGroups(name string) error {
	roots, err := filepath.Glob(filepath.Join("/sys/fs/cgroup", "*", name))
	if err != nil {
		return err
	}
	var failed error
	for _, root := range append(roots, filepath.Join("/sys/fs/cgroup", name)) {
		var dirs []string
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
		for _, dir := range slices.Backward(dirs) {
			if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
				failed = errors.Join(failed, err)
			}
		}
	}
	return failed
}

// unmountAll takes every file system off that is mounted below a folder.
func unmountAll(dir string) error {
	table, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	var failed error
	for _, line := range slices.Backward(strings.Split(string(table), "\n")) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[1], dir+"/") {
			continue
		}
		if err := unix.Unmount(fields[1], unix.MNT_DETACH); err != nil {
			failed = errors.Join(failed, fmt.Errorf("unmount %s: %w", fields[1], err))
		}
	}
	return failed
}
