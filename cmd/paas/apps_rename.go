package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

type renameOptions struct {
	*session
	to   string
	json bool
}

func newRename(s *session, run func(context.Context, *renameOptions) error) *cobra.Command {
	o := &renameOptions{session: s}
	cmd := &cobra.Command{
		Use:   "apps:rename NEWNAME",
		Short: "Give an app another name",
		Long: `Give an app another name, and with it another URL. Its releases, config and processes stay. The git remote of this
repository follows when it points to the app.`,
		Example: `  paas apps:rename hej
  paas apps:rename hej -a hello`,
		Args: between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.to = args[0]
			if err := paas.ValidateAppName(o.to); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runRename(ctx context.Context, o *renameOptions) error {
	srv, name, err := o.target(ctx)
	if err != nil {
		return err
	}
	before, err := srv.App(ctx, name)
	if err != nil {
		return err
	}
	app, err := srv.RenameApp(ctx, name, o.to, o.progress())
	if err != nil {
		return err
	}
	o.note("Renamed %s to %s.", name, app.Name)
	if err := o.followRename(ctx, before, app.Name); err != nil {
		return err
	}
	return o.showApp(o.json, app)
}

// followRename points the git remote to the new name if it points to the app.
func (o *renameOptions) followRename(ctx context.Context, before paas.AppInfo, to string) error {
	url, ok, err := o.pointsTo(ctx, before)
	if !ok || err != nil {
		return err
	}
	url = strings.TrimSuffix(url, "/"+before.Name) + "/" + to
	if err := o.setRemote(ctx, o.remoteName(), url); err != nil {
		return err
	}
	o.note("The git remote %s is now %s", o.remoteName(), url)
	return nil
}

// pointsTo says whether the git remote is this app on this server, and not one of its name on another.
func (s *session) pointsTo(ctx context.Context, app paas.AppInfo) (url string, ok bool, err error) {
	url = s.remoteURL(ctx, s.remoteName())
	if url == "" {
		return "", false, nil
	}
	ours, err := s.gitURL(ctx, app)
	return url, url == ours || url == app.GitURL, err
}
