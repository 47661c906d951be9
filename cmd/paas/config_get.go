package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"paas"
)

type configGetOptions struct {
	*session
	key  string
	json bool
	raw  bool
}

func newConfigGet(s *session, run func(context.Context, *configGetOptions) error) *cobra.Command {
	o := &configGetOptions{session: s}
	cmd := &cobra.Command{
		Use:   "config:get KEY",
		Short: "Print the value of one config var",
		Long:  `Print the value of one config var as it is, and a newline; without the newline with --raw.`,
		Example: `  paas config:get DATABASE_URL
  paas config:get TLS_KEY --raw > key.pem`,
		Args: between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.key = args[0]
			return run(cmd.Context(), o)
		},
	}
	jsonFlag(cmd, &o.json)
	cmd.Flags().BoolVar(&o.raw, "raw", false, "add no newline")
	cmd.MarkFlagsMutuallyExclusive("json", "raw")
	return cmd
}

func runConfigGet(ctx context.Context, o *configGetOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	config, _, err := srv.Config(ctx, app)
	if err != nil {
		return err
	}
	value, ok := config[o.key]
	if !ok {
		return paas.Errorf(paas.NotFound, "%s has no config var %s", app, paas.Quote(o.key)).WithHint("paas config -a %s", app)
	}
	if o.json {
		return printJSON(o.out, value)
	}
	if !o.raw {
		value += "\n"
	}
	if _, err := io.WriteString(o.out, value); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}
