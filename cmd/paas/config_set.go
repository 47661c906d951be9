package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

// configSetOptions are those of config:set and config:unset: both are one patch.
type configSetOptions struct {
	*session
	patch paas.ConfigPatch
	json  bool
}

func newConfigSet(s *session, run func(context.Context, *configSetOptions) error) *cobra.Command {
	o := &configSetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "config:set KEY=VALUE…",
		Short: "Set config vars: one new release",
		Long: `Set config vars, however many, in one new release; what is set already makes none. A value is any text without NUL,
newlines and = included.

The argument - reads KEY=value lines from the standard input instead, so that no secret shows in a process list:
blank lines and # comments are skipped, a value may be quoted as in a shell, nothing is expanded.`,
		Example: `  paas config:set GREETING=hei COLOR=blue
  paas config:set TLS_KEY="$(cat key.pem)"
  paas config:set - < hello.env`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.patch, err = s.parseSet(args); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

// parseSet reads KEY=VALUE arguments, and the standard input for -.
func (s *session) parseSet(args []string) (paas.ConfigPatch, error) {
	patch := paas.ConfigPatch{}
	for _, arg := range args {
		if arg == "-" {
			if err := s.readEnv(patch); err != nil {
				return nil, err
			}
			continue
		}
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, paas.Errorf(paas.Invalid, "%s is not KEY=VALUE", paas.Quote(arg)).
				WithHint("paas config:set KEY=value")
		}
		if err := patchOnce(patch, key, value); err != nil {
			return nil, err
		}
	}
	return patch, patch.Validate()
}

// maxEnv bounds what is read from the standard input: well above what an app may have.
const maxEnv = 1 << 20

func (s *session) readEnv(patch paas.ConfigPatch) error {
	if terminal(s.in) != nil {
		s.note("Type KEY=value lines, then Ctrl-D.")
	}
	text, err := io.ReadAll(io.LimitReader(s.in, maxEnv))
	if err != nil {
		return fmt.Errorf("read the standard input: %w", err)
	}
	config, err := parseEnv(string(text))
	if err != nil {
		return err
	}
	for _, key := range config.Keys() {
		if err := patchOnce(patch, key, config[key]); err != nil {
			return err
		}
	}
	return nil
}

func patchOnce(patch paas.ConfigPatch, key, value string) error {
	if _, twice := patch[key]; twice {
		return paas.Errorf(paas.Invalid, "config key %s is given twice", paas.Quote(key)).WithHint("paas config:set KEY=value")
	}
	patch[key] = &value
	return nil
}

func newConfigUnset(s *session, run func(context.Context, *configSetOptions) error) *cobra.Command {
	o := &configSetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "config:unset KEY…",
		Short: "Remove config vars: one new release",
		Example: `  paas config:unset GREETING
  paas config:unset A B C`,
		Args: between(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.patch = paas.ConfigPatch{}
			for _, key := range args {
				o.patch[key] = nil
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

// anyVersion applies a patch to whatever the config is by then.
const anyVersion = -1

func runConfigSet(ctx context.Context, o *configSetOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	change, err := srv.SetConfig(ctx, app, o.patch, anyVersion, o.progress())
	if err != nil {
		return err
	}
	return o.showChange(o.json, app, change)
}

// showChange says what a change of config did. Only JSON is data.
func (s *session) showChange(asJSON bool, app string, c paas.ConfigChange) error {
	if asJSON {
		c.Set, c.Removed = list(c.Set), list(c.Removed)
		return printJSON(s.out, c)
	}
	s.note("%s", describeChange(app, c))
	return nil
}

func describeChange(app string, c paas.ConfigChange) string {
	if len(c.Set) == 0 && len(c.Removed) == 0 {
		return fmt.Sprintf("Nothing changed in the config of %s; no release was made.", app)
	}
	return describeSet(app, c.Set, c.Removed, c.Release)
}
