package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"paas"
)

func newTokens(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "List the tokens of the HTTP API",
		Long: `List the tokens of the HTTP API: who has one may do, over https, what its user may.

Piped: name, user, time.`,
		Example: `  paas tokens
  paas tokens --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runTokens(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runTokens(ctx context.Context, s *session, asJSON bool) error {
	srv, err := s.server(ctx)
	if err != nil {
		return err
	}
	tokens, err := srv.Tokens(ctx)
	if err != nil {
		return err
	}
	if len(tokens) == 0 && !asJSON {
		s.note("There are no tokens. Make one with: paas tokens:create NAME")
		return nil
	}
	return s.show(asJSON, list(tokens), func(p *page) {
		rows := make([][]string, 0, len(tokens))
		for _, t := range tokens {
			rows = append(rows, []string{t.Name, t.User, p.ago(t.CreatedAt)})
		}
		p.table([]string{"NAME", "USER", "CREATED"}, rows)
	})
}

func newTokensCreate(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tokens:create NAME",
		Short: "Make a token of the HTTP API",
		Long: `Make a token of the HTTP API that acts as you, and print it. It is shown this once: the server keeps its hash only.
Use it with PAAS_URL=https://… and PAAS_TOKEN.`,
		Example: `  export PAAS_TOKEN="$(paas tokens:create ci)"`,
		Args:    between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTokensCreate(cmd.Context(), s, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// createdToken is the JSON of tokens:create.
type createdToken struct {
	paas.Token
	Secret string `json:"secret"`
}

func runTokensCreate(ctx context.Context, s *session, name string, asJSON bool) error {
	srv, err := s.server(ctx)
	if err != nil {
		return err
	}
	secret, token, err := srv.CreateToken(ctx, name)
	if err != nil {
		return err
	}
	s.note("Created the token %s. It is shown this once:", token.Name)
	if asJSON {
		return printJSON(s.out, createdToken{token, secret})
	}
	_, err = fmt.Fprintln(s.out, secret)
	return written(err)
}

func newTokensRemove(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "tokens:remove NAME",
		Short:   "Revoke a token of the HTTP API",
		Example: "  paas tokens:remove ci",
		Args:    between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTokensRemove(cmd.Context(), s, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runTokensRemove(ctx context.Context, s *session, name string, asJSON bool) error {
	srv, err := s.server(ctx)
	if err != nil {
		return err
	}
	token, err := srv.RemoveToken(ctx, name)
	if err != nil {
		return err
	}
	s.note("Removed the token %s.", token.Name)
	if !asJSON {
		return nil
	}
	return printJSON(s.out, token)
}
