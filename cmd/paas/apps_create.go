package main

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

type createOptions struct {
	*session
	name     string // "" is the folder's
	noRemote bool
	json     bool
}

func newCreate(s *session, run func(context.Context, *createOptions) error) *cobra.Command {
	o := &createOptions{session: s}
	cmd := &cobra.Command{
		Use:     "apps:create [NAME]",
		Aliases: []string{"create"},
		Short:   "Make an app, and a git remote for it",
		Long: `Make an app. In a git repository the git remote "paas" is added (-r names another), so that git push and every
paas command in this repository know the app; the name is that of the repository's folder unless you give one.

Prints the URL that the app will answer at, and the one to push to.`,
		Example: `  paas create
  paas create hello
  paas create hello-staging -r staging
  paas create hello --no-remote`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.name = args[0]
				if err := paas.ValidateAppName(o.name); err != nil { // an empty one, too: a script's unset variable
					return err
				}
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&o.noRemote, "no-remote", false, "leave the git repository as it is")
	jsonFlag(cmd, &o.json)
	return cmd
}

func runCreate(ctx context.Context, o *createOptions) error {
	remote := o.remoteName()
	o.remote = o.knownRemote(ctx)
	dir := o.repository(ctx)
	name, err := o.appToCreate(dir)
	if err != nil {
		return err
	}
	addRemote := dir != "" && !o.noRemote
	if addRemote {
		if err := o.remoteIsFree(ctx, remote, name); err != nil {
			return err
		}
	}
	srv, err := o.server(ctx)
	if err != nil {
		return err
	}
	app, err := srv.CreateApp(ctx, name)
	if err != nil {
		return err
	}
	if app.GitURL, err = o.gitURL(ctx, app); err != nil {
		return err
	}
	o.note("Created %s.", app.Name)
	if addRemote {
		if err := o.addRemote(ctx, remote, app); err != nil {
			return err
		}
	}
	return o.show(o.json, app, func(p *page) {
		p.fields([2]string{"url", app.URL}, [2]string{"git_url", app.GitURL})
	})
}

// appToCreate is the name given, or the folder's as far as it can be one.
func (o *createOptions) appToCreate(dir string) (string, error) {
	name := o.name
	if name == "" {
		name = o.app
	}
	if name != "" {
		return name, paas.ValidateAppName(name)
	}
	if dir == "" {
		return "", usage("create", "outside of a git repository create needs a name")
	}
	name = nameOf(filepath.Base(dir))
	if paas.ValidateAppName(name) != nil {
		return "", paas.Errorf(paas.Invalid, "the folder's name %s makes no app name", paas.Quote(filepath.Base(dir))).
			WithHint("paas create NAME")
	}
	return name, nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// maxName is the longest app name.
const maxName = 30

// nameOf makes a folder's name an app name, if that is possible by lowering case, dashes and cutting.
func nameOf(folder string) string {
	name := notInNames.ReplaceAllString(strings.ToLower(folder), "-")
	name = strings.TrimLeft(name, "-0123456789")
	return strings.TrimRight(name[:min(len(name), maxName)], "-")
}

// remoteIsFree refuses to point a git remote from one app to another.
func (o *createOptions) remoteIsFree(ctx context.Context, remote, app string) error {
	url := o.remoteURL(ctx, remote)
	if p, ok := parsePlace(url); url == "" || ok && p.app == app {
		return nil
	}
	return paas.Errorf(paas.Conflict, "the git remote %s is there already, for %s", remote, url).
		WithHint("paas create %s -r OTHER-REMOTE, or with --no-remote", app)
}

func (o *createOptions) addRemote(ctx context.Context, remote string, app paas.AppInfo) error {
	if err := o.setRemote(ctx, remote, app.GitURL); err != nil {
		return err
	}
	o.note("Added the git remote %s. Deploy with: git push %s main", remote, remote)
	return nil
}
