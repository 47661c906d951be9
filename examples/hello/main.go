// Command hello is a small twelve-factor app: one binary whose argument says which of its process types it is.
//
//	hello web       answers on $PORT
//	hello worker    does a piece of work every few seconds
//	hello release   prepares a release: runs once before its processes start
//	hello migrate   an admin task, for a one-off run
//
// Everything that differs between deployments comes from the environment: PORT, GREETING, RELEASE_FAIL, and what the
// platform tells of itself, PAAS_RELEASE and PAAS_INSTANCE.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
}

// run is the program. It ends when its work does or, for what serves, after ctx ended.
func run(ctx context.Context, args []string, env func(string) string, stdout io.Writer) error {
	switch strings.Join(args, " ") {
	case "web":
		return web(ctx, env, stdout)
	case "worker":
		return worker(ctx, env, stdout)
	case "release":
		return release(env, stdout)
	case "migrate":
		return migrate(env, stdout)
	default:
		return fmt.Errorf("use: hello web|worker|release|migrate, not %q", args)
	}
}

func release(env func(string) string, stdout io.Writer) error {
	if env("RELEASE_FAIL") != "" {
		return errors.New("RELEASE_FAIL is set, so this release is not to be")
	}
	fmt.Fprintf(stdout, "release: v%s is prepared\n", env("PAAS_RELEASE"))
	return nil
}

func migrate(env func(string) string, stdout io.Writer) error {
	for i, step := range []string{"create table greetings", "add column language"} {
		fmt.Fprintf(stdout, "migrate: %d. %s … done\n", i+1, step)
	}
	fmt.Fprintf(stdout, "migrate: the schema is that of v%s\n", env("PAAS_RELEASE"))
	return nil
}
