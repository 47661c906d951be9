package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newRollback(s *session, run func(context.Context, *releaseOptions) error) *cobra.Command {
	o := &releaseOptions{session: s}
	cmd := &cobra.Command{
		Use:   "rollback [RELEASE]",
		Short: "Go back to an earlier release: code and config, as a new release",
		Long: `Make a new release with the image, config and process types of an earlier one: the newest that succeeded before the
current, unless you name one. It is deployed as any other release.`,
		Example: `  paas rollback
  paas rollback v3`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.version, err = optionalNumber("release", "v", args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runRollback(ctx context.Context, o *releaseOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	r, err := srv.Rollback(ctx, app, o.version, o.progress())
	if err != nil {
		return err
	}
	r.ConfigKeys = list(r.ConfigKeys)
	if o.json {
		return printJSON(o.out, r)
	}
	o.note("Released v%d: %s.", r.Version, r.Description)
	return nil
}
