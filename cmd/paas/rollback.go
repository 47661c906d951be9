package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
	"paas/web/client"
)

type rollbackOptions struct {
	releaseOptions
	dryRun bool
}

func newRollback(s *session, run func(context.Context, *rollbackOptions) error) *cobra.Command {
	o := &rollbackOptions{releaseOptions: releaseOptions{session: s}}
	cmd := &cobra.Command{
		Use:   "rollback [RELEASE]",
		Short: "Go back to an earlier release: code and config, as a new release",
		Long: `Make a new release with the image, config and process types of an earlier one: the newest that succeeded before the
current, unless you name one. It is deployed as any other release. With --dry-run, show what it would change, and change nothing.`,
		Example: `  paas rollback
  paas rollback --dry-run
  paas rollback v3`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.version, err = optionalNumber("release", "v", args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	jsonFlag(cmd, &o.json)
	return cmd
}

func runRollback(ctx context.Context, o *rollbackOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.preview(ctx, srv, app)
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

func (o *rollbackOptions) preview(ctx context.Context, srv *client.Client, app string) error {
	r, err := srv.PreviewRollback(ctx, app, o.version)
	if err != nil {
		return err
	}
	r.Target.ConfigKeys, r.Diff = list(r.Target.ConfigKeys), diffLists(r.Diff)
	if err := o.show(o.json, r, func(p *page) { p.rollback(r) }); err != nil || o.json {
		return err
	}
	if len(r.Diff.Added)+len(r.Diff.Removed)+len(r.Diff.Changed) == 0 {
		o.note("v%d does not differ from the current v%d.", r.Target.Version, r.Current)
	}
	o.note("Nothing was done. To go back: paas rollback v%d -a %s", r.Target.Version, app)
	return nil
}

func (p *page) rollback(r paas.RollbackPreview) {
	p.fields(append([][2]string{
		{"current", version(r.Current)},
		{"target", version(r.Target.Version)},
		{"description", r.Target.Description},
		{"user", r.Target.User},
		{"created", p.ago(r.Target.CreatedAt)},
		{"commit", r.Target.Commit},
		{"image", r.Target.Image},
	}, diffFields(r.Diff)...)...)
}
