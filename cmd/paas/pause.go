package main

import (
	"context"

	"github.com/spf13/cobra"
)

// newPause is pause or resume.
func newPause(s *session, on bool) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "resume",
		Short:   "Let the requests that were held go to the app",
		Example: "  paas resume",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runPause(cmd.Context(), s, on, asJSON) },
	}
	if on {
		cmd.Use, cmd.Short = "pause", "Hold the requests to an app for a moment, such as a migration"
		cmd.Long = `Hold the requests to an app for a moment, such as a migration: they wait in the router, in their order, and nobody sees an
error. At most 100 wait, each at most 10 seconds; others get a 503 (H20), and so do all where Traefik is the router, which can hold none.
paas resume lets them go. For longer use maintenance:on.`
		cmd.Example = "  paas pause && paas run migrate; paas resume"
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runPause(ctx context.Context, s *session, on, asJSON bool) error {
	srv, name, err := s.target(ctx)
	if err != nil {
		return err
	}
	app, err := srv.SetPaused(ctx, name, on)
	if err != nil {
		return err
	}
	if on {
		s.note("Requests to %s wait. Let them go with: paas resume -a %s", app.Name, app.Name)
	} else {
		s.note("Requests go to %s.", app.Name)
	}
	if !asJSON {
		return nil
	}
	return printJSON(s.out, app)
}
