package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
)

func newVersion(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of paas and of the server",
		Long:  `Print the version of paas, and the server's if one is named and can be reached.`,
		Example: `  paas version
  paas version --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runVersion(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// versions is the JSON of version; server is empty when none was reached.
type versions struct {
	Client string `json:"client"`
	Server string `json:"server"`
}

func runVersion(ctx context.Context, s *session, asJSON bool) error {
	v := versions{Client: paas.Version()}
	server, err := s.serverVersion(ctx)
	if err != nil {
		s.note("The server's version is not known: %s", sentence(err))
	}
	v.Server = server
	return s.show(asJSON, v, func(p *page) {
		p.fields([2]string{"client", v.Client}, [2]string{"server", v.Server})
	})
}

func (s *session) serverVersion(ctx context.Context) (string, error) {
	srv, err := s.server(ctx)
	if err != nil {
		return "", err
	}
	return srv.Version(ctx)
}
