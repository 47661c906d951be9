package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

type buildSecretsOptions struct {
	*session
	patch paas.BuildSecretsPatch // nil: to list them
	json  bool
}

func newBuildSecrets(s *session, run func(context.Context, *buildSecretsOptions) error) *cobra.Command {
	o := &buildSecretsOptions{session: s}
	cmd := &cobra.Command{
		Use:   "build:secrets",
		Short: "List the build secrets of an app; never their values",
		Long: `List the build secrets of an app, by name. Nobody can read a value back.

Piped: name, user, time.`,
		Example: "  paas build:secrets",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func newBuildSecret(s *session, run func(context.Context, *buildSecretsOptions) error) *cobra.Command {
	o := &buildSecretsOptions{session: s}
	cmd := &cobra.Command{
		Use:   "build:secret NAME=VALUE… | NAME",
		Short: "Set build secrets, for the steps of the next builds that mount them",
		Long: `Set build secrets, for the steps of the next builds. A step of your own Dockerfile mounts one:

  RUN --mount=type=secret,id=NPM_TOKEN NPM_TOKEN=$(cat /run/secrets/NPM_TOKEN) npm ci

A generated Dockerfile gives all of them to the steps that install and build, as environment variables. They are in no layer
of the image, and masked in the build's output. With a NAME alone its value is read from the standard input.`,
		Example: `  paas build:secret NPM_TOKEN=npm_x0y1
  paas build:secret NPM_TOKEN < token`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.patch, err = o.parse(args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

// parse reads NAME=VALUE arguments, or one name whose value comes on the standard input.
func (o *buildSecretsOptions) parse(args []string) (paas.BuildSecretsPatch, error) {
	if len(args) > 1 || strings.Contains(args[0], "=") {
		values, err := parseSettings(args, "build secret", "paas build:secret NPM_TOKEN=VALUE")
		if err != nil {
			return nil, err
		}
		patch := paas.BuildSecretsPatch(values)
		return patch, patch.Validate()
	}
	if terminal(o.in) != nil {
		o.note("Type the value of %s, then Ctrl-D.", args[0])
	}
	value, err := io.ReadAll(io.LimitReader(o.in, maxEnv))
	if err != nil {
		return nil, fmt.Errorf("read the standard input: %w", err)
	}
	text := strings.TrimRight(string(value), "\r\n")
	patch := paas.BuildSecretsPatch{args[0]: &text}
	return patch, patch.Validate()
}

func newBuildSecretUnset(s *session, run func(context.Context, *buildSecretsOptions) error) *cobra.Command {
	o := &buildSecretsOptions{session: s}
	cmd := &cobra.Command{
		Use:     "build:secret:unset NAME…",
		Short:   "Remove build secrets",
		Example: "  paas build:secret:unset NPM_TOKEN",
		Args:    between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.patch = paas.BuildSecretsPatch{}
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

func runBuildSecrets(ctx context.Context, o *buildSecretsOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	var secrets []paas.BuildSecret
	if o.patch == nil {
		secrets, err = srv.BuildSecrets(ctx, app)
	} else {
		secrets, err = srv.SetBuildSecrets(ctx, app, o.patch)
	}
	if err != nil {
		return err
	}
	if o.patch != nil && !o.json {
		o.note("The next build of %s has %s.", app, secretNames(secrets))
		return nil
	}
	if len(secrets) == 0 && !o.json {
		o.note("%s has no build secrets. Set one with: paas build:secret NAME=VALUE", app)
		return nil
	}
	return o.show(o.json, list(secrets), func(p *page) {
		rows := make([][]string, 0, len(secrets))
		for _, s := range secrets {
			rows = append(rows, []string{s.Name, s.User, p.ago(s.SetAt)})
		}
		p.table([]string{"NAME", "SET BY", "SET"}, rows)
	})
}

func secretNames(secrets []paas.BuildSecret) string {
	if len(secrets) == 0 {
		return "no build secrets"
	}
	names := make([]string, 0, len(secrets))
	for _, s := range secrets {
		names = append(names, s.Name)
	}
	return "the build secrets " + strings.Join(names, ", ")
}
