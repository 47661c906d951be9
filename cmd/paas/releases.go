package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
)

func newReleases(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "releases",
		Short: "List the releases of an app, newest first",
		Long: `List the releases of an app, newest first: each is an image and a config, numbered, with who made it and why. A failed
one stays on the list; what serves is the current one.

Piped: release, status, "current" or nothing, description, commit, user, time.`,
		Example: `  paas releases
  paas releases --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runReleases(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runReleases(ctx context.Context, s *session, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	releases, err := srv.Releases(ctx, app)
	if err != nil {
		return err
	}
	if len(releases) == 0 && !asJSON {
		s.note("%s has no releases yet. Deploy it with: git push %s main", app, s.remoteName())
		return nil
	}
	for i := range releases {
		releases[i].ConfigKeys = list(releases[i].ConfigKeys)
	}
	return s.show(asJSON, list(releases), func(p *page) {
		rows := make([][]string, 0, len(releases))
		for _, r := range releases {
			rows = append(rows, []string{
				version(r.Version), string(r.Status), currentMark(r), r.Description, short(r.Commit), r.User, p.ago(r.CreatedAt),
			})
		}
		p.table([]string{"RELEASE", "STATUS", "CURRENT", "DESCRIPTION", "COMMIT", "USER", "CREATED"}, rows)
	})
}

func currentMark(r paas.ReleaseInfo) string {
	if r.Current {
		return "current"
	}
	return ""
}

// shortCommit is how much of a commit's hash a person needs.
const shortCommit = 7

func short(commit string) string { return commit[:min(len(commit), shortCommit)] }
