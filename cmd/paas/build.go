package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

const buildHelp = `  dockerfile         its path in the repository. Default what app.json or heroku.yml says, else Dockerfile, else by language
  root               the folder that a static site is served from. Default where its index.html is
  fallback           the page that a static site shows for paths that are not there, such as index.html. Default none
  args               build arguments, all of them: NAME=VALUE,NAME=VALUE. args[NAME]=VALUE sets one. They stay in the image:
                     for what is secret, see build:secret
  network            default, or none: what the steps of a build reach
  memory             of all steps that run at one time, such as 2GB. Default what the platform allows
  cpus               cores, such as 1.5. Default what the platform allows
  timeout            in seconds, or 2h. Default what the platform allows, an hour
  branch             the branch whose push deploys. Default main, or master where there is only that`

type buildSettingsOptions struct {
	*session
	json bool
}

func newBuildSettings(s *session, run func(context.Context, *buildSettingsOptions) error) *cobra.Command {
	o := &buildSettingsOptions{session: s}
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Show how the source of an app becomes an image",
		Long: `Show how the source of an app becomes an image.

` + buildHelp + `

Piped: name, value, "set" or "default".`,
		Example: `  paas build
  paas build --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runBuildSettings(ctx context.Context, o *buildSettingsOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	settings, err := srv.BuildSettings(ctx, app)
	if err != nil {
		return err
	}
	return o.show(o.json, list(settings), func(p *page) {
		rows := make([][]string, 0, len(settings))
		for _, s := range settings {
			value := s.Value
			if value == "" && p.tty && !s.Set {
				value = "(by the repository or the platform)"
			}
			rows = append(rows, []string{s.Name, value, setOrDefault(s.Set)})
		}
		p.table([]string{"SETTING", "VALUE", "SET BY"}, rows)
	})
}

// buildSetOptions are those of build:set and build:unset: both are one patch.
type buildSetOptions struct {
	*session
	patch paas.BuildPatch
	json  bool
}

func newBuildSet(s *session, run func(context.Context, *buildSetOptions) error) *cobra.Command {
	o := &buildSetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "build:set SETTING=VALUE…",
		Short: "Set how the source of an app becomes an image; the next build has it",
		Long: `Set how the source of an app becomes an image. The next build has it; nothing is built now, and no release is made.
To build the same commit again: paas builds:create.

` + buildHelp,
		Example: `  paas build:set dockerfile=docker/Dockerfile
  paas build:set args[NODE_ENV]=production memory=2GB`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := parseSettings(args, "setting", "paas build:set dockerfile=docker/Dockerfile")
			if err != nil {
				return err
			}
			if o.patch = settings; o.patch.Validate() != nil {
				return o.patch.Validate()
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func newBuildUnset(s *session, run func(context.Context, *buildSetOptions) error) *cobra.Command {
	o := &buildSetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "build:unset SETTING…",
		Short: "Go back to the default of a setting of builds",
		Example: `  paas build:unset dockerfile
  paas build:unset args[NODE_ENV]`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.patch = paas.BuildPatch{}
			for _, name := range args {
				o.patch[name] = nil
			}
			if err := o.patch.Validate(); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runBuildSet(ctx context.Context, o *buildSetOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	changed, err := srv.SetBuildSettings(ctx, app, o.patch)
	if err != nil {
		return err
	}
	switch {
	case o.json:
		return printJSON(o.out, map[string][]string{"changed": list(changed)})
	case len(changed) == 0:
		o.note("Nothing changed in the build settings of %s.", app)
	default:
		o.note("The next build of %s has its new %s. To build now: paas builds:create", app, strings.Join(changed, ", "))
	}
	return nil
}
