package main

import (
	"context"

	"github.com/spf13/cobra"
)

type destroyOptions struct {
	appOptions
	confirm string
}

func newDestroy(s *session, run func(context.Context, *destroyOptions) error) *cobra.Command {
	o := &destroyOptions{appOptions: appOptions{session: s}}
	cmd := &cobra.Command{
		Use:     "apps:destroy [APP]",
		Aliases: []string{"destroy"},
		Short:   "Destroy an app with all it has",
		Long: `Destroy an app: its processes, repository, config, releases and logs. There is no way back. On a terminal paas asks
for the app's name; elsewhere --confirm has to give it. The git remote goes, too, when it points to the app.`,
		Example: `  paas destroy
  paas apps:destroy hello --confirm hello`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.nameArg(args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.confirm, "confirm", "", "the app's name, instead of being asked for it")
	return cmd
}

func runDestroy(ctx context.Context, o *destroyOptions) error {
	srv, name, err := o.target(ctx)
	if err != nil {
		return err
	}
	app, err := srv.App(ctx, name)
	if err != nil {
		return err
	}
	if err := o.confirmed(ctx, name, o.confirm, "paas apps:destroy"); err != nil {
		return err
	}
	_, ours, err := o.pointsTo(ctx, app)
	if err != nil {
		return err
	}
	if err := srv.DestroyApp(ctx, name, o.progress()); err != nil {
		return err
	}
	o.note("Destroyed %s.", name)
	if !ours {
		return nil
	}
	if err := o.removeRemote(ctx, o.remoteName()); err != nil {
		return err
	}
	o.note("Removed the git remote %s.", o.remoteName())
	return nil
}
