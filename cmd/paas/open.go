package main

import (
	"context"
	"fmt"
	"os/exec"

	"github.com/spf13/cobra"
)

func newOpen(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "open",
		Short: "Print an app's URL, and open it in a browser",
		Long:  `Print an app's URL; on a terminal also open it, where the desktop has xdg-open or open.`,
		Example: `  paas open
  curl "$(paas open)"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runOpen(cmd.Context(), s) },
	}
}

func runOpen(ctx context.Context, s *session) error {
	srv, name, err := s.target(ctx)
	if err != nil {
		return err
	}
	app, err := srv.App(ctx, name)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(s.out, app.URL); err != nil {
		return written(err)
	}
	if terminal(s.out) != nil {
		s.browse(ctx, app.URL)
	}
	return nil
}

// browse opens the URL where the desktop can. The URL has been printed: that is what counts.
func (s *session) browse(ctx context.Context, url string) {
	for _, program := range []string{"xdg-open", "open"} {
		if _, err := exec.LookPath(program); err != nil {
			continue
		}
		if err := s.program(ctx, program, url).Run(); err != nil {
			s.note("%s could not open it: %v", program, err)
		}
		return
	}
}
