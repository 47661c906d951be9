package main

import (
	"context"

	"github.com/spf13/cobra"
)

// instancesOptions are those of commands about some instances: a type, an instance, or with "" all.
type instancesOptions struct {
	*session
	which string
	json  bool
}

// what says which instances are meant.
func (o *instancesOptions) what(app string) string {
	if o.which == "" {
		return "all of " + app
	}
	return o.which + " of " + app
}

func newInstances(s *session, cmd *cobra.Command, run func(context.Context, *instancesOptions) error) *cobra.Command {
	o := &instancesOptions{session: s}
	cmd.Args = between(0, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if o.which, err = parseTarget(args); err != nil {
			return err
		}
		return run(cmd.Context(), o)
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func newRestart(s *session, run func(context.Context, *instancesOptions) error) *cobra.Command {
	return newInstances(s, &cobra.Command{
		Use:     "ps:restart [TYPE|INSTANCE]",
		Aliases: []string{"restart"},
		Short:   "Replace instances by fresh ones",
		Long: `Replace all instances, those of a type, or one. The new one serves before the old one stops. What ps:stop took down
starts again.`,
		Example: `  paas restart
  paas restart worker
  paas restart web.1`,
	}, run)
}

func runRestart(ctx context.Context, o *instancesOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	ps, err := srv.Restart(ctx, app, o.which, o.progress())
	if err != nil {
		return err
	}
	o.note("Restarted %s.", o.what(app))
	return o.showAfter(o.json, ps)
}

func newStop(s *session, run func(context.Context, *instancesOptions) error) *cobra.Command {
	return newInstances(s, &cobra.Command{
		Use:   "ps:stop [TYPE|INSTANCE]",
		Short: "Take instances down until the next restart or release",
		Long: `Stop all instances, those of a type, or one, until ps:restart or the next release starts them again. To have fewer of
a type for good, use ps:scale.`,
		Example: `  paas ps:stop worker
  paas ps:stop web.1
  paas ps:stop`,
	}, run)
}

func runStop(ctx context.Context, o *instancesOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	ps, err := srv.Stop(ctx, app, o.which, o.progress())
	if err != nil {
		return err
	}
	o.note("Stopped %s. Start it again with: paas restart", o.what(app))
	return o.showAfter(o.json, ps)
}
