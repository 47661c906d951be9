package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
)

func newMaintenance(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "maintenance",
		Short: "Say whether an app is in maintenance",
		Long: `Say whether an app is in maintenance: on or off. While it is on, the router answers requests with a page that says so.
The app's processes run on.`,
		Example: `  paas maintenance
  paas maintenance:on`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runMaintenance(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runMaintenance(ctx context.Context, s *session, asJSON bool) error {
	srv, name, err := s.target(ctx)
	if err != nil {
		return err
	}
	app, err := srv.App(ctx, name)
	if err != nil {
		return err
	}
	on := app.State == paas.AppMaintenance
	return s.show(asJSON, map[string]bool{"maintenance": on}, func(p *page) { p.line(onOff(on)) })
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// newMaintenanceSet is maintenance:on or maintenance:off.
func newMaintenanceSet(s *session, on bool) *cobra.Command {
	var asJSON bool
	name, short := "maintenance:off", "Pass requests to the app again"
	if on {
		name, short = "maintenance:on", "Answer all requests with a maintenance page"
	}
	cmd := &cobra.Command{
		Use:     name,
		Short:   short,
		Example: "  paas " + name,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runMaintenanceSet(cmd.Context(), s, on, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runMaintenanceSet(ctx context.Context, s *session, on, asJSON bool) error {
	srv, name, err := s.target(ctx)
	if err != nil {
		return err
	}
	app, err := srv.SetMaintenance(ctx, name, on)
	if err != nil {
		return err
	}
	s.note("Maintenance of %s is %s.", app.Name, onOff(on))
	if !asJSON {
		return nil
	}
	return printJSON(s.out, app)
}
