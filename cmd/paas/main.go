// Command paas is the client of a paas server: it makes apps, changes their config, scales them, runs one-offs on
// them and reads their logs. `paas help` is its manual.
//
// It knows nothing that the server does not tell it: every command is a call through web/client, plus what only the
// user's machine can do (git remotes, editors, terminals).
//
// What a command prints: data to stdout, progress and notes to stderr; a table on a terminal, tab-separated values
// without a header when piped, JSON with --json. Errors are one sentence and the next thing to try; errors.go has
// the exit codes.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return runOn(ctx, &host{in: stdin, out: stdout, err: stderr, env: env, now: time.Now, socket: defaultSocket}, args)
}

// runOn is run on any host.
func runOn(ctx context.Context, h *host, args []string) int {
	ctx, stop := h.untilSignal(ctx)
	defer stop()
	s := newSession(h)
	return s.exit(ctx, execute(ctx, s, args))
}

// untilSignal returns a context that INT, TERM or HUP ends; a second one kills, as it would without us. stop ends the
// watch.
func (h *host) untilSignal(ctx context.Context) (until context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	got := make(chan os.Signal, 1)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	var watch sync.WaitGroup
	watch.Go(func() {
		defer cancel()
		defer signal.Stop(got)
		for {
			select {
			case s := <-got:
				if s != os.Interrupt || !h.lent.Load() {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return ctx, func() {
		cancel()
		watch.Wait()
	}
}

// execute parses the arguments and runs the command that they name.
func execute(ctx context.Context, s *session, args []string) error {
	root := newRoot(s)
	args, err := normalize(args, names(root))
	if err != nil {
		return err
	}
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	if cerr := s.close(); err == nil {
		err = cerr
	}
	return err
}
