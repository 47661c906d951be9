package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
)

func newApps(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "apps",
		Short: "List the apps",
		Long: `List the apps of the server with their state: empty (nothing released), up, degraded (some instances are not up),
crashed (none is), down (scaled to zero) or maintenance.

Piped: name, state, release, URL, git URL.`,
		Example: `  paas apps
  paas apps --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runApps(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runApps(ctx context.Context, s *session, asJSON bool) error {
	srv, err := s.server(ctx)
	if err != nil {
		return err
	}
	apps, err := srv.Apps(ctx)
	if err != nil {
		return err
	}
	if len(apps) == 0 && !asJSON {
		s.note("There are no apps yet. Make one with: paas create NAME")
		return nil
	}
	return s.show(asJSON, list(apps), func(p *page) {
		rows := make([][]string, 0, len(apps))
		for _, a := range apps {
			rows = append(rows, []string{a.Name, string(a.State), version(a.Release), a.URL, a.GitURL})
		}
		p.table([]string{"NAME", "STATE", "RELEASE", "URL", "GIT URL"}, rows)
	})
}

// appOptions are those of commands that take an app's name as their argument, too.
type appOptions struct {
	*session
	json bool
}

// nameArg lets the only argument name the app, as --app does.
func (o *appOptions) nameArg(args []string) error {
	if len(args) == 0 {
		return nil
	}
	if o.app != "" && o.app != args[0] {
		return paas.Errorf(paas.Invalid, "two apps are named, %s and %s", paas.Quote(args[0]), paas.Quote(o.app)).
			WithHint("paas help apps")
	}
	o.app = args[0]
	return nil
}

func newAppInfo(s *session, run func(context.Context, *appOptions) error) *cobra.Command {
	o := &appOptions{session: s}
	cmd := &cobra.Command{
		Use:   "apps:info [APP]",
		Short: "Show an app: its URLs, release and state",
		Example: `  paas apps:info
  paas apps:info hello --json`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.nameArg(args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runAppInfo(ctx context.Context, o *appOptions) error {
	srv, name, err := o.target(ctx)
	if err != nil {
		return err
	}
	app, err := srv.App(ctx, name)
	if err != nil {
		return err
	}
	return o.showApp(o.json, app)
}

func (s *session) showApp(asJSON bool, app paas.AppInfo) error {
	return s.show(asJSON, app, func(p *page) {
		p.fields(
			[2]string{"name", app.Name}, [2]string{"url", app.URL}, [2]string{"git_url", app.GitURL},
			[2]string{"release", version(app.Release)}, [2]string{"state", string(app.State)},
		)
	})
}
