// Command probe is the app that the conformance tests deploy: one static binary, for an image FROM scratch, that shows
// what a process can see and misbehaves on demand. It is a fixture, not an example to follow.
//
// Process types, each of which may stand behind web in a Procfile:
//
//	probe web        serves the routes of routes.go on $PORT; finishes requests in flight on SIGTERM, however long
//	probe loopback   the same, listening on 127.0.0.1 only
//	probe slowboot   the same, but listens only after PROBE_BOOT
//	probe deaf       the same, but ignores SIGTERM; without $PORT it only ticks
//	probe hoard      the same, but first waits for a memory limit and takes more than that
//	probe forker     leaves a child in the background and exits
//	probe worker     ticks every PROBE_INTERVAL, or, with COUNTER_URL, does the jobs in the queue "jobs"
//	probe clock      ticks every PROBE_INTERVAL, or, with COUNTER_URL, puts a job in that queue each time
//	probe counter    the backing service: counters and queues over TCP on $PORT (see counter.go)
//
// Commands, for one-off runs:
//
//	probe env [KEY]        the environment as a JSON object, or one value, byte for byte
//	probe who              the process and its surroundings as a JSON object (see who.go)
//	probe mounts           the mount points, and whether the engine's socket is among the files, as JSON
//	probe tty [watch]      whether stdin and stdout are terminals, and the size; watch: again at each change
//	probe cat              copies stdin to stdout
//	probe say TEXT…        writes TEXT to stdout without ending the line
//	probe print N [BYTES]  N numbered lines, in turn on stdout and stderr, padded to BYTES
//	probe hog MB           holds that much memory until it is stopped
//	probe signals          names each signal it gets; HUP and TERM end it
//	probe exit [CODE]      exits
//
// Configuration comes from the environment: PORT, PROBE_BOOT (90s), PROBE_INTERVAL (1s), PROBE_WORK (1s, the length of
// a worker's job), PROBE_STOP (0s, for how long a process goes on as before after SIGTERM), COUNTER_URL (tcp://host:port), and PAAS_RELEASE, PAAS_COMMIT and PAAS_INSTANCE to tell them again.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	p := probe{env: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	err := p.run(ctx, os.Args[1:])
	stop()
	var code exitCode
	switch {
	case err == nil:
	case errors.As(err, &code):
		os.Exit(int(code))
	default:
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

// probe is one process. ctx of its methods ends with SIGTERM or SIGINT.
type probe struct {
	env            func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// exitCode ends the program with that code and no message.
type exitCode int

func (c exitCode) Error() string { return "exit code " + strconv.Itoa(int(c)) }

type command func(p probe, ctx context.Context, args []string) error

func commands() map[string]command {
	return map[string]command{
		"web":      func(p probe, ctx context.Context, _ []string) error { return p.web(ctx, "") },
		"loopback": func(p probe, ctx context.Context, _ []string) error { return p.web(ctx, "127.0.0.1") },
		"slowboot": probe.slowboot,
		"deaf":     probe.deaf,
		"hoard":    probe.hoard,
		"forker":   probe.forker,
		"worker":   probe.worker,
		"clock":    probe.clock,
		"counter":  probe.counter,
		"env":      probe.printEnv,
		"who":      probe.printWho,
		"mounts":   probe.printMounts,
		"tty":      probe.tty,
		"cat":      probe.cat,
		"say":      probe.say,
		"print":    probe.print,
		"hog":      probe.hog,
		"signals":  probe.signals,
		"exit":     probe.exit,
	}
}

func (p probe) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		args = []string{"web"}
	}
	do, ok := commands()[args[0]]
	if !ok {
		return fmt.Errorf("there is no command %q", args[0])
	}
	return do(p, ctx, args[1:])
}
