package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
)

type checksOptions struct {
	*session
	json bool
}

func newChecks(s *session, run func(context.Context, *checksOptions) error) *cobra.Command {
	o := &checksOptions{session: s}
	cmd := &cobra.Command{
		Use:   "checks",
		Short: "Show how instances are probed, replaced and ended",
		Long: `Show how the instances of an app are probed, replaced and ended, and who says so: checks:set, the app.json of the
commit, or nobody, which is the default. Durations are in seconds.

` + checksHelp,
		Example: `  paas checks
  paas checks --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runChecks(ctx context.Context, o *checksOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	settings, err := srv.Checks(ctx, app)
	if err != nil {
		return err
	}
	return o.show(o.json, list(settings), func(p *page) {
		rows := make([][]string, 0, len(settings))
		for _, s := range settings {
			rows = append(rows, []string{s.Name, p.checkValue(s), s.Origin})
		}
		p.table([]string{"CHECK", "VALUE", "SET BY"}, rows)
	})
}

// checkValue is a value for people: no path is a check, too.
func (p *page) checkValue(s paas.CheckSetting) string {
	if s.Name == "path" && s.Value == "" && p.tty {
		return "(none: it is enough to listen)"
	}
	return s.Value
}
