package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"paas"
)

func newReleasesVerify(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "releases:verify",
		Short: "Check that no release on record was altered",
		Long: `Walk the releases of an app from v1 on: none is missing, each record and its config are what its hash was made of, and
each names the hash of the one before. Exits with 6 when one does not verify, and names the first.`,
		Example: `  paas releases:verify
  paas releases:verify --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runReleasesVerify(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runReleasesVerify(ctx context.Context, s *session, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	check, err := srv.VerifyReleases(ctx, app)
	if err != nil {
		return err
	}
	return s.show(asJSON, check, func(p *page) { p.line(checkText(app, check)) })
}

func checkText(app string, check paas.LedgerCheck) string {
	switch check.Releases {
	case 0:
		return app + " has no releases yet."
	case 1:
		return "1 release of " + app + " verifies."
	}
	return fmt.Sprintf("%d releases of %s verify.", check.Releases, app)
}
