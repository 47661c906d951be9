package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"paas"
	"paas/web/client"
)

type runOptions struct {
	*session
	request paas.RunRequest
	release string
	env     []string
	noTTY   bool
	json    bool
}

func newRun(s *session, run func(context.Context, *runOptions) error) *cobra.Command {
	o := &runOptions{session: s}
	cmd := &cobra.Command{
		Use:   "run COMMAND [argument…]",
		Short: "Run a one-off process on the current release",
		Long: `Run a one-off process with the image and config of the current release, connected to your terminal or pipe; paas exits
with its exit code. Flags come before the command: what follows the command belongs to it. The command is an argv, not
a shell line; a first word that names a process type stands for that type's command.

On a terminal the process gets one of its size. When stdin or stdout is a pipe it gets pipes, byte for byte, and INT,
TERM and HUP that paas gets are passed on. When the connection is lost the process gets HUP.

With -d (or as run:detached) it runs without you: its name is printed, its output goes to the logs.`,
		Example: `  paas run -- ./hello migrate
  paas run sh -c 'env | sort'
  paas run -e DEBUG=1 --release v3 worker --once
  pg_dump old | paas run -- psql -f -
  paas run -d -- ./hello reindex`,
		Args: func(_ *cobra.Command, args []string) error { return o.parse(args) },
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.BoolVarP(&o.request.Detach, "detach", "d", false, "do not wait for it; its output goes to the logs")
	flags.StringVar(&o.release, "release", "", "the release to run on, like v3 (default: the current one)")
	flags.StringArrayVarP(&o.env, "env", "e", nil, "set a variable for this process: KEY=value")
	flags.BoolVar(&o.noTTY, "no-tty", false, "pipes even on a terminal")
	flags.DurationVar(&o.request.Timeout, "timeout", 0, "end it after this time, like 10m")
	flags.BoolVar(&o.json, "json", false, "with -d: print JSON")
	return cmd
}

// parse makes the request from flags and arguments.
func (o *runOptions) parse(args []string) error {
	if len(args) == 0 || args[0] == "" {
		return paas.Errorf(paas.Invalid, "run needs a command").WithHint("paas run -- COMMAND [argument…]")
	}
	o.request.Command = args
	if o.request.Timeout < 0 {
		return usage("run", "--timeout cannot be negative")
	}
	if o.json && !o.request.Detach {
		return usage("run", "--json needs -d: otherwise the output is the process's own")
	}
	if o.release != "" {
		n, err := parseNumber("release", "v", o.release)
		if err != nil {
			return err
		}
		o.request.Release = n
	}
	for _, arg := range o.env {
		if err := o.addEnv(arg); err != nil {
			return err
		}
	}
	return nil
}

func (o *runOptions) addEnv(arg string) error {
	key, value, ok := strings.Cut(arg, "=")
	if !ok {
		return paas.Errorf(paas.Invalid, "%s is not KEY=VALUE", paas.Quote(arg)).WithHint("paas run -e KEY=value -- COMMAND")
	}
	if err := (paas.ConfigPatch{key: &value}).Validate(); err != nil {
		return err
	}
	if o.request.Env == nil {
		o.request.Env = map[string]string{}
	}
	o.request.Env[key] = value
	return nil
}

func runRun(ctx context.Context, o *runOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	if o.request.Detach {
		return o.runDetached(ctx, srv, app)
	}
	var tty *tty
	if !o.noTTY {
		tty = newTTY(o.in, o.out)
	}
	o.request.Stdin = true
	if tty != nil {
		o.request.TTY = true
		o.request.Terminal = tty.size()
		o.request.Env = o.withTerm(o.request.Env)
	}
	run, err := srv.CreateRun(ctx, app, o.request)
	if err != nil {
		return err
	}
	o.note("Running %s on %s v%d.", run.Name, app, run.Release)
	code, err := o.attach(ctx, srv, app, run, tty)
	if err != nil {
		return lost(err, run.Name, "paas run:info "+run.Name+" -a "+app)
	}
	return exitedWith(code)
}

func (o *runOptions) runDetached(ctx context.Context, srv *client.Client, app string) error {
	run, err := srv.CreateRun(ctx, app, o.request)
	if err != nil {
		return err
	}
	o.note("Started %s on %s v%d. Follow it with: paas logs --tail --process %s -a %s", run.Name, app, run.Release, run.Name, app)
	if o.json {
		return printJSON(o.out, run)
	}
	if _, err := fmt.Fprintln(o.out, run.Name); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// attach connects the run's process to our streams until it ends.
func (o *runOptions) attach(ctx context.Context, srv *client.Client, app string, run paas.RunInfo, tty *tty) (int, error) {
	id, err := parseNumber("run", paas.RunType+".", run.Name)
	if err != nil {
		return 0, err
	}
	return o.attached(ctx, tty, func(ctx context.Context, stdio paas.Stdio) (int, error) { return srv.AttachRun(ctx, app, id, stdio) })
}
