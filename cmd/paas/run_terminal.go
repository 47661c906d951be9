package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"paas"
)

// tty is the user's terminal, for a process that gets one.
type tty struct {
	in, out *os.File
}

// newTTY returns the terminal that both streams are, nil if one is not.
func newTTY(in io.Reader, out io.Writer) *tty {
	t := &tty{in: terminal(in), out: terminal(out)}
	if t.in == nil || t.out == nil {
		return nil
	}
	return t
}

// size returns the terminal's size; one that cannot tell is 80 by 24.
func (t *tty) size() paas.TerminalSize {
	cols, rows, err := term.GetSize(int(t.out.Fd()))
	if err != nil || cols <= 0 || rows <= 0 {
		return paas.TerminalSize{Cols: 80, Rows: 24}
	}
	return paas.TerminalSize{Cols: uint16(min(cols, 1<<16-1)), Rows: uint16(min(rows, 1<<16-1))}
}

// raw hands every key to the process, until restore.
func (t *tty) raw() (restore func() error, err error) {
	state, err := term.MakeRaw(int(t.in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("set up the terminal: %w", err)
	}
	return func() error {
		if err := term.Restore(int(t.in.Fd()), state); err != nil {
			return fmt.Errorf("restore the terminal: %w", err)
		}
		return nil
	}, nil
}

// resizes reports the size now and after each change, until stop. A size nobody took yet gives way to the next.
func (t *tty) resizes() (sizes <-chan paas.TerminalSize, stop func()) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	out := make(chan paas.TerminalSize)
	stop = relay(out, changed, func(os.Signal) (paas.TerminalSize, bool) { return t.size(), true })
	changed <- syscall.SIGWINCH // it may have changed since the request was made
	return out, stop
}

// relaySignals passes on INT, TERM and HUP by name until stop.
func relaySignals() (names <-chan string, stop func()) {
	got := make(chan os.Signal, 8)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	out := make(chan string)
	return out, relay(out, got, signalName)
}

func signalName(s os.Signal) (string, bool) {
	switch s {
	case os.Interrupt:
		return "INT", true
	case syscall.SIGTERM:
		return "TERM", true
	case syscall.SIGHUP:
		return "HUP", true
	}
	return "", false
}

// relay sends what convert makes of each signal to out until stop, which waits for it to end.
func relay[T any](out chan<- T, signals chan os.Signal, convert func(os.Signal) (T, bool)) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				v, ok := convert(s)
				if !ok {
					continue
				}
				select {
				case out <- v:
				case <-done:
					return
				}
			}
		}
	})
	return func() {
		signal.Stop(signals)
		close(done)
		wg.Wait()
	}
}
