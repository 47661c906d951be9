// Command benchrouter compares the router with other proxies on this machine, over loopback: `make bench-router`.
//
// Each contender runs alone on one processor, load (wrk) and upstream (nginx) on the others, so that what is compared is
// what a contender makes of one processor. Rounds are interleaved, so that whatever else the machine does hits all
// alike, and medians are taken. Beside requests/s it takes the processor time that a contender spent on a request,
// which other load on the machine changes least.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchrouter:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	doc    string
	rounds int
	length time.Duration
	idle   int
	only   string

	traefik string // path of the program
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "paas":
			return runOurs(ctx, args[1:])
		case "controller":
			return runController(ctx, args[1:])
		case "reverseproxy":
			return runReverseProxy(ctx, args[1:])
		}
	}
	var s settings
	flags := flag.NewFlagSet("benchrouter", flag.ContinueOnError)
	flags.StringVar(&s.doc, "doc", "", "file to write; empty: standard output")
	flags.IntVar(&s.rounds, "rounds", 5, "rounds of each contender")
	flags.DurationVar(&s.length, "length", 2*time.Second, "length of a round, in whole seconds")
	flags.IntVar(&s.idle, "idle", 10000, "idle connections to measure the memory of")
	flags.StringVar(&s.only, "only", "", "the rows whose name holds this")
	flags.StringVar(&s.traefik, "traefik", "", "the path of a Traefik v3; empty: without")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(s)
	if err != nil {
		return err
	}
	defer b.close()
	report, err := b.run(ctx)
	if err != nil {
		return err
	}
	if s.doc == "" {
		_, err = os.Stdout.WriteString(report)
		return err
	}
	return os.WriteFile(s.doc, []byte(report), 0o644)
}
