package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"paas"
)

type configOptions struct {
	*session
	json  bool
	shell bool
}

func newConfig(s *session, run func(context.Context, *configOptions) error) *cobra.Command {
	o := &configOptions{session: s}
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the config vars of an app",
		Long: `Show the config vars of an app, values included. In tables and tab-separated values control characters are shown
escaped (\n); --shell, --json and config:get give the exact value.

--shell prints KEY='value' lines that a POSIX shell, and config:set -, read back byte for byte.`,
		Example: `  paas config
  paas config --json
  paas config --shell > hello.env
  ( eval "$(paas config --shell)"; echo "$GREETING" )`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	jsonFlag(cmd, &o.json)
	cmd.Flags().BoolVar(&o.shell, "shell", false, "print lines that a shell can read")
	cmd.MarkFlagsMutuallyExclusive("json", "shell")
	return cmd
}

func runConfig(ctx context.Context, o *configOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	config, _, err := srv.Config(ctx, app)
	if err != nil {
		return err
	}
	if o.shell {
		return o.printEnv(config)
	}
	if config == nil {
		config = paas.Config{}
	}
	if len(config) == 0 && !o.json {
		o.note("%s has no config vars. Set one with: paas config:set KEY=value", app)
		return nil
	}
	return o.show(o.json, config, func(p *page) {
		rows := make([][]string, 0, len(config))
		for _, key := range config.Keys() {
			rows = append(rows, []string{key, config[key]})
		}
		p.table([]string{"KEY", "VALUE"}, rows)
	})
}

func (o *configOptions) printEnv(config paas.Config) error {
	if _, err := io.WriteString(o.out, formatEnv(config)); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}
