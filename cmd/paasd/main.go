// Command paasd is the server of paas. Its roles: serve (the control plane), router (the data plane), hook (git's
// pre-receive hook, which calls back into serve) and key (enrols SSH keys).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	_ "time/tzdata" // the zones of schedules, where the host has none

	"github.com/spf13/cobra"

	"paas"
	"paas/build"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args, os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	if filepath.Base(args[0]) == "pre-receive" { // the hook of every repository is a link to this binary
		return build.Hook(ctx, getenv, stdin, stdout)
	}
	root := &cobra.Command{
		Use:   "paasd",
		Short: "The server of paas: git push builds, releases and runs apps on this host",
		Long: `paasd is the server of paas.

    paasd key add ada ~/.ssh/id_ed25519.pub     who may come in
    paasd serve --domain example.com            run it, as root, next to Docker

Then, on your own machine, in a git repository:

    PAAS_URL=ssh://paas@HOST:2222 paas create hello
    git push paas main`,
		Version:       paas.Version(),
		Args:          noArgs,
		RunE:          help,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(args[1:])
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return paas.Errorf(paas.Invalid, "%w", err).WithHint("%s --help", cmd.CommandPath())
	})
	root.SetVersionTemplate("paasd {{.Version}}\n")
	root.AddCommand(serveCommand(getenv), routerCommand(getenv), hookCommand(getenv), keyCommand(getenv), staticCommand(getenv))
	if err := root.ExecuteContext(ctx); err != nil {
		return complain(stderr, err)
	}
	return 0
}

func hookCommand(getenv func(string) string) *cobra.Command {
	return &cobra.Command{
		Use: "hook", Short: "Act as git's pre-receive hook (git runs this)", Hidden: true, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if code := build.Hook(cmd.Context(), getenv, cmd.InOrStdin(), cmd.OutOrStdout()); code != 0 {
				return errSaid
			}
			return nil
		},
	}
}

// errSaid is an error that the user has read already.
var errSaid = errors.New("said already")

// complain tells the operator what went wrong, with the whole chain, and the next command.
func complain(w io.Writer, err error) int {
	if errors.Is(err, errSaid) {
		return 1
	}
	fmt.Fprintf(w, "Error: %v\n", err)
	if advice := paas.Advice(err); advice != "" {
		fmt.Fprintf(w, "  %s\n", advice)
	}
	return paas.CodeOf(err).Exit()
}

// noArgs refuses what follows a command that takes nothing, or that its subcommands are to follow.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return paas.Errorf(paas.Invalid, "%s does not take the argument %s", cmd.CommandPath(), paas.Quote(args[0])).
		WithHint("%s --help", cmd.CommandPath())
}

// help is what a command does that its subcommands are to follow.
func help(cmd *cobra.Command, _ []string) error { return cmd.Help() }
