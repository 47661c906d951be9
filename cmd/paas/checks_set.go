package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

const checksHelp = `  path               web has to answer GET on it with 2xx; a redirect is not healthy. Default: it is enough to listen
  timeout            for a new instance to become healthy, else the release fails. Default 60
  interval           between two checks of an instance that is up; three failures and it is replaced. Default 10
  grace              a process without a port counts as up after running this long. Default 2
  drain              for the requests in flight when an instance goes. Default 30
  stop-timeout       between SIGTERM and SIGKILL; stop-timeout[worker] is that of one process type. Default 30
  strategy           rolling: new instances are up before old ones go. recreate: old ones have ended before new ones
                     start, for apps that cannot run twice. Default rolling
  max-surge          how many new instances boot at the same time. Default 16
  auto-rollback      on: a release that crashes three times within its first 5 minutes is rolled back. Default off`

// checksSetOptions are those of checks:set and checks:unset: both are one patch.
type checksSetOptions struct {
	*session
	patch paas.ChecksPatch
	json  bool
}

func newChecksSet(s *session, run func(context.Context, *checksSetOptions) error) *cobra.Command {
	o := &checksSetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "checks:set CHECK=VALUE…",
		Short: "Set how instances are probed, replaced and ended: one new release",
		Long: `Set how the instances of an app are probed, replaced and ended: one new release, however many settings; what is set
already makes none. Durations are in seconds, or written as 90s or 2m. What is set wins over the app.json of a commit.

` + checksHelp,
		Example: `  paas checks:set path=/up timeout=120
  paas checks:set stop-timeout[worker]=120 drain=60
  paas checks:set strategy=recreate`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.patch, err = parseChecks(args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

// parseChecks reads CHECK=VALUE arguments.
func parseChecks(args []string) (paas.ChecksPatch, error) {
	settings, err := parseSettings(args, "check", "paas checks:set path=/up timeout=60")
	if err != nil {
		return nil, err
	}
	patch := paas.ChecksPatch(settings)
	return patch, patch.Validate()
}

// parseSettings reads NAME=VALUE arguments, each name once; noun is what a name is one of.
func parseSettings(args []string, noun, example string) (map[string]*string, error) {
	settings := map[string]*string{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, paas.Errorf(paas.Invalid, "%s is not %s=VALUE", paas.Quote(arg), strings.ToUpper(noun)).WithHint("%s", example)
		}
		if _, twice := settings[name]; twice {
			return nil, paas.Errorf(paas.Invalid, "the %s %s is given twice", noun, paas.Quote(name)).WithHint("%s", example)
		}
		settings[name] = &value
	}
	return settings, nil
}

func newChecksUnset(s *session, run func(context.Context, *checksSetOptions) error) *cobra.Command {
	o := &checksSetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "checks:unset CHECK…",
		Short: "Go back to what app.json or the default says: one new release",
		Example: `  paas checks:unset path
  paas checks:unset timeout stop-timeout[worker]`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.patch = paas.ChecksPatch{}
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

func runChecksSet(ctx context.Context, o *checksSetOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	change, err := srv.SetChecks(ctx, app, o.patch, o.progress())
	if err != nil {
		return err
	}
	if o.json {
		change.Set, change.Removed = list(change.Set), list(change.Removed)
		return printJSON(o.out, change)
	}
	if len(change.Set)+len(change.Removed) == 0 {
		o.note("Nothing changed in the checks of %s; no release was made.", app)
		return nil
	}
	o.note("%s", describeSet(app, change.Set, change.Removed, change.Release))
	return nil
}

// describeSet says what a change set and removed, and what came of it.
func describeSet(app string, set, removed []string, release *paas.ReleaseInfo) string {
	var did []string
	if len(set) > 0 {
		did = append(did, "set "+strings.Join(set, ", "))
	}
	if len(removed) > 0 {
		did = append(did, "removed "+strings.Join(removed, ", "))
	}
	text := strings.Join(did, ", ")
	text = strings.ToUpper(text[:1]) + text[1:]
	if release == nil {
		return text + fmt.Sprintf("; the first release of %s will have it.", app)
	}
	return text + fmt.Sprintf(" and released v%d.", release.Version)
}
