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
	"runtime/debug"
	"syscall"

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
		Version:       version(),
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
	root.AddCommand(serveCommand(getenv), routerCommand(), hookCommand(getenv), keyCommand(getenv))
	if err := root.ExecuteContext(ctx); err != nil {
		return complain(stderr, err)
	}
	return 0
}

func hookCommand(getenv func(string) string) *cobra.Command {
	return &cobra.Command{
		Use: "hook", Short: "Act as git's pre-receive hook (git runs this)", Hidden: true, Args: cobra.NoArgs,
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

// exitCodes are those of both programs; what is not listed is 1.
var exitCodes = map[paas.Code]int{
	paas.Invalid: 2, paas.Unauthorized: 3, paas.NotFound: 4, paas.Conflict: 5, paas.Stale: 5, paas.Failed: 6,
	paas.Unavailable: 7, paas.RateLimited: 7, paas.Canceled: 130,
}

// complain tells the operator what went wrong, with the whole chain, and the next command.
func complain(w io.Writer, err error) int {
	if errors.Is(err, errSaid) {
		return 1
	}
	fmt.Fprintf(w, "Error: %v\n", err)
	e, ok := errors.AsType[*paas.Error](err)
	if ok && e.Hint != "" {
		fmt.Fprintf(w, "  try: %s\n", e.Hint)
	}
	if code, ok := exitCodes[paas.CodeOf(err)]; ok {
		return code
	}
	return 1
}

// version is that of the module, or of the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	return info.Main.Version
}
