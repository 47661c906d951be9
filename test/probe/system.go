package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is what tty says.
type terminal struct {
	Stdin  bool `json:"stdin"`
	Stdout bool `json:"stdout"`
	Cols   int  `json:"cols"` // 0 when stdout is no terminal
	Rows   int  `json:"rows"`
}

func (p probe) tty(ctx context.Context, args []string) error {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	for {
		if err := writeJSON(p.stdout, seenTerminal()); err != nil {
			return err
		}
		if len(args) == 0 {
			return nil
		}
		select {
		case <-resized:
		case <-ctx.Done():
			return nil
		}
	}
}

func seenTerminal() terminal {
	t := terminal{Stdin: term.IsTerminal(int(os.Stdin.Fd())), Stdout: term.IsTerminal(int(os.Stdout.Fd()))}
	if cols, rows, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		t.Cols, t.Rows = cols, rows
	}
	return t
}

// signals says "got SIGUSR1" and the like. HUP and TERM end it.
func (p probe) signals(context.Context, []string) error {
	got := make(chan os.Signal, 16)
	signal.Notify(got, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(got)
	fmt.Fprintln(p.stdout, "waiting for signals")
	for s := range got {
		number, ok := s.(syscall.Signal)
		if !ok {
			continue
		}
		fmt.Fprintf(p.stdout, "got %s\n", unix.SignalName(number))
		if number == syscall.SIGHUP || number == syscall.SIGTERM {
			break
		}
	}
	return nil
}

// hoard waits until its memory is limited, and takes more.
func (p probe) hoard(ctx context.Context, _ []string) error {
	fmt.Fprintln(p.stdout, "waiting for a memory limit")
	for {
		limit, err := memoryLimit()
		if err != nil {
			return err
		}
		if limit > 0 {
			return p.hog(ctx, []string{strconv.Itoa(2 * limit >> 20)})
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// memoryLimit is that of the process's control group in bytes; 0 for none worth the name.
func memoryLimit() (int, error) {
	text, err := os.ReadFile("/sys/fs/cgroup/memory.max") // version 2
	if errors.Is(err, os.ErrNotExist) {
		text, err = os.ReadFile("/sys/fs/cgroup/memory/memory.limit_in_bytes")
	}
	if err != nil {
		return 0, err
	}
	limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || limit > 1<<40 {
		return 0, nil //nolint:nilerr // it says "max"
	}
	return limit, nil
}

// hog touches every page, so that the kernel has to find it.
func (p probe) hog(ctx context.Context, args []string) error {
	megabytes, err := number(args, 0, 64)
	if err != nil {
		return err
	}
	var held [][]byte
	for range megabytes {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += os.Getpagesize() {
			block[i] = 1
		}
		held = append(held, block)
	}
	fmt.Fprintf(p.stdout, "holding %d MB\n", len(held))
	<-ctx.Done()
	fmt.Fprintf(p.stdout, "let go of %d MB\n", len(held))
	return nil
}
