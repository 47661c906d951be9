package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

type configEditOptions struct {
	*session
	json bool
}

func newConfigEdit(s *session, run func(context.Context, *configEditOptions) error) *cobra.Command {
	o := &configEditOptions{session: s}
	cmd := &cobra.Command{
		Use:   "config:edit",
		Short: "Edit the config vars in your editor: one new release",
		Long: `Open the config vars in $VISUAL, $EDITOR or vi, and make what you changed one new release. When somebody else changed
the config meanwhile, nothing is done and your file is kept.`,
		Example: `  paas config:edit
  EDITOR="code --wait" paas config:edit`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runConfigEdit(ctx context.Context, o *configEditOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	config, version, err := srv.Config(ctx, app)
	if err != nil {
		return err
	}
	file, err := writeEdit(app, config)
	if err != nil {
		return err
	}
	if err := o.edit(ctx, file); err != nil {
		return errors.Join(err, removeEdit(file))
	}
	patch, err := readEdit(file, config)
	if err != nil {
		return o.keepEdit(file, err)
	}
	var change paas.ConfigChange
	if len(patch) > 0 {
		if change, err = srv.SetConfig(ctx, app, patch, version, o.progress()); err != nil {
			return o.keepEdit(file, err)
		}
	}
	if err := removeEdit(file); err != nil {
		return err
	}
	return o.showChange(o.json, app, change)
}

const editHeader = `# The config vars of %s. Remove a line to unset the var. Save and leave to release the changes.
# Quote values as in a shell: KEY='value'. Nothing is expanded.

`

// writeEdit puts the config into a file in a folder of its own, both only the user's to read.
func writeEdit(app string, config paas.Config) (string, error) {
	dir, err := os.MkdirTemp("", "paas-edit-")
	if err != nil {
		return "", fmt.Errorf("make a file to edit: %w", err)
	}
	file := filepath.Join(dir, app+".env")
	if err := os.WriteFile(file, []byte(fmt.Sprintf(editHeader, app)+formatEnv(config)), 0o600); err != nil {
		return "", fmt.Errorf("make a file to edit: %w", err)
	}
	return file, nil
}

// edit runs the user's editor and waits for it. Ctrl-C is the editor's meanwhile: it has a meaning there.
func (s *session) edit(ctx context.Context, file string) error {
	editor := "vi"
	for _, key := range []string{"EDITOR", "VISUAL"} {
		if v := s.getenv(key); strings.TrimSpace(v) != "" {
			editor = v
		}
	}
	argv := append(strings.Fields(editor), file)
	cmd := s.program(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, s.out, s.err
	s.lent.Store(true)
	defer s.lent.Store(false)
	if err := cmd.Run(); err != nil {
		return paas.Errorf(paas.Failed, "the editor %s ended with: %w", paas.Quote(editor), err).WithHint("set VISUAL or EDITOR")
	}
	return nil
}

// readEdit returns the difference that the user made.
func readEdit(file string, before paas.Config) (paas.ConfigPatch, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the edited file: %w", err)
	}
	after, err := parseEnv(string(text))
	if err != nil {
		return nil, err
	}
	patch := paas.ConfigPatch{}
	for key := range before {
		if _, kept := after[key]; !kept {
			patch[key] = nil
		}
	}
	for key, value := range after {
		if old, had := before[key]; !had || old != value {
			patch[key] = &value
		}
	}
	if len(patch) == 0 {
		return patch, nil
	}
	return patch, patch.Validate()
}

func removeEdit(file string) error {
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		return fmt.Errorf("remove the edited file: %w", err)
	}
	return nil
}

// keepEdit says where the user's work is when it did not become the config, and passes on why.
func (s *session) keepEdit(file string, err error) error {
	s.note("Your edit is kept in %s. To set what it sets: paas config:set - < %s", file, file)
	return err
}
