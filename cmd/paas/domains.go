package main

import (
	"context"

	"github.com/spf13/cobra"

	"paas"
)

func newDomains(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "domains",
		Short: "List the host names that an app answers to",
		Long: `List the host names that an app answers to: its default one, and the custom ones that you added.

Piped: host, kind.`,
		Example: `  paas domains
  paas domains --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDomains(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runDomains(ctx context.Context, s *session, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	domains, err := srv.Domains(ctx, app)
	if err != nil {
		return err
	}
	return s.show(asJSON, list(domains), func(p *page) {
		rows := make([][]string, 0, len(domains))
		for _, d := range domains {
			rows = append(rows, []string{d.Host, d.Kind})
		}
		p.table([]string{"HOST", "KIND"}, rows)
	})
}

func newDomainsAdd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "domains:add HOST[/PATH]",
		Short: "Let an app answer to a host name",
		Long: `Let an app answer to a host name, to every name of one label under a host (*.example.com), or to the paths of a host
under a prefix (example.com/api), which the app sees whole. A host goes before a wildcard, a longer path before a shorter one.
Point the name's DNS record to the server yourself.`,
		Example: `  paas domains:add www.example.com
  paas domains:add '*.example.com'
  paas domains:add example.com/api`,
		Args: between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDomainsAdd(cmd.Context(), s, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runDomainsAdd(ctx context.Context, s *session, host string, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	d, err := srv.AddDomain(ctx, app, host)
	if err != nil {
		return err
	}
	s.note("%s answers to %s.", app, d.Host)
	return s.domainJSON(asJSON, d)
}

func newDomainsRemove(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "domains:remove HOST[/PATH]",
		Short:   "Let an app no longer answer to a host name",
		Example: "  paas domains:remove www.example.com",
		Args:    between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDomainsRemove(cmd.Context(), s, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runDomainsRemove(ctx context.Context, s *session, host string, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	d, err := srv.RemoveDomain(ctx, app, host)
	if err != nil {
		return err
	}
	s.note("%s no longer answers to %s.", app, d.Host)
	return s.domainJSON(asJSON, d)
}

func (s *session) domainJSON(asJSON bool, d paas.Domain) error {
	if !asJSON {
		return nil
	}
	return printJSON(s.out, d)
}
