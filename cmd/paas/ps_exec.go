package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
)

type execOptions struct {
	*session
	instance string
	request  paas.ExecRequest
	noTTY    bool
}

func newExec(s *session, run func(context.Context, *execOptions) error) *cobra.Command {
	o := &execOptions{session: s}
	cmd := &cobra.Command{
		Use:   "ps:exec INSTANCE COMMAND [argument…]",
		Short: "Run a command inside a running instance",
		Long: `Run a command inside a running instance, next to its process, connected to your terminal or pipe; paas exits with its
exit code. It has the instance's environment and files. The command is an argv, not a shell line, and has to be in the
image. Flags come before the instance: what follows it belongs to the command.

The command ends with the instance, which a deploy, a restart or a crash replaces. What it writes to files is gone then:
to change an app, push. For a process of its own use: paas run.

On a terminal the command gets one of its size. When stdin or stdout is a pipe it gets pipes, byte for byte, and INT,
TERM and HUP that paas gets are passed on. When the connection is lost the command gets HUP.`,
		Example: `  paas ps:exec web.1 -- sh
  paas ps:exec web.1 cat /proc/1/status
  paas ps:exec worker.2 -- ./hello dump | gzip > dump.gz`,
		Args: func(_ *cobra.Command, args []string) error { return o.parse(args) },
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.BoolVar(&o.noTTY, "no-tty", false, "pipes even on a terminal")
	return cmd
}

// parse reads instance and command; "--" may stand before either.
func (o *execOptions) parse(args []string) error {
	if len(args) == 0 {
		return usage("ps:exec", "ps:exec needs INSTANCE")
	}
	o.instance, o.request.Command = args[0], args[1:]
	if _, _, ok := paas.ParseInstanceName(o.instance); !ok {
		return paas.Errorf(paas.Invalid, "%s is not an instance", paas.Quote(o.instance)).WithHint("name one like web.1: paas ps")
	}
	if len(o.request.Command) > 0 && o.request.Command[0] == "--" {
		o.request.Command = o.request.Command[1:]
	}
	if len(o.request.Command) == 0 || o.request.Command[0] == "" {
		return paas.Errorf(paas.Invalid, "ps:exec needs a command").WithHint("paas ps:exec %s -- sh", o.instance)
	}
	return nil
}

func runExec(ctx context.Context, o *execOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	var tty *tty
	if !o.noTTY {
		tty = newTTY(o.in, o.out)
	}
	o.request.Stdin = true
	if tty != nil {
		o.request.TTY, o.request.Terminal = true, tty.size()
		o.request.Env = o.withTerm(o.request.Env)
	}
	code, err := o.attached(ctx, tty, func(ctx context.Context, stdio paas.Stdio) (int, error) {
		return srv.Exec(ctx, app, o.instance, o.request, stdio)
	})
	if err != nil {
		return lost(err, "the command in "+o.instance, "paas ps -a "+app)
	}
	return exitedWith(code)
}
