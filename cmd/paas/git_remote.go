package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
)

func newGitRemote(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "git:remote",
		Short: "Point a git remote of this repository to an app",
		Long: `Add the git remote "paas" (-r names another) to this repository, or point it to another app: from then on git push and
every paas command in this repository mean that app.`,
		Example: `  paas git:remote -a hello
  paas git:remote -a hello-staging -r staging`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runGitRemote(cmd.Context(), s) },
	}
}

func runGitRemote(ctx context.Context, s *session) error {
	remote := s.remoteName()
	if s.repository(ctx) == "" {
		return paas.Errorf(paas.Invalid, "this folder is not in a git repository").WithHint("git init")
	}
	if s.app == "" && s.getenv("PAAS_APP") == "" {
		return usage("git:remote", "git:remote needs the app: --app APP")
	}
	s.remote = s.knownRemote(ctx)
	srv, name, err := s.target(ctx)
	if err != nil {
		return err
	}
	app, err := srv.App(ctx, name)
	if err != nil {
		return err
	}
	url, err := s.gitURL(ctx, app)
	if err != nil {
		return err
	}
	if err := s.setRemote(ctx, remote, url); err != nil {
		return err
	}
	s.note("The git remote %s is %s. Deploy with: git push %s main", remote, url, remote)
	return nil
}

// knownRemote is the remote that -r names if it is an app's already, else the default one: a remote that is to be made
// cannot say where the server is.
func (s *session) knownRemote(ctx context.Context) string {
	if _, ok := parsePlace(s.remoteURL(ctx, s.remoteName())); ok {
		return s.remote
	}
	return ""
}
