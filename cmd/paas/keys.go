package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

func newKeys(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "List the SSH keys that may come in",
		Long: `List the SSH keys that may push and use paas, each under the name of its user.

Piped: name, fingerprint, time.`,
		Example: `  paas keys
  paas keys --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runKeys(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runKeys(ctx context.Context, s *session, asJSON bool) error {
	srv, err := s.server(ctx)
	if err != nil {
		return err
	}
	keys, err := srv.Keys(ctx)
	if err != nil {
		return err
	}
	return s.show(asJSON, list(keys), func(p *page) {
		rows := make([][]string, 0, len(keys))
		for _, k := range keys {
			rows = append(rows, []string{k.Name, k.Fingerprint, p.ago(k.CreatedAt)})
		}
		p.table([]string{"NAME", "FINGERPRINT", "ADDED"}, rows)
	})
}

type keysAddOptions struct {
	*session
	name string
	file string // "-" is the standard input
	json bool
}

func newKeysAdd(s *session, run func(context.Context, *keysAddOptions) error) *cobra.Command {
	o := &keysAddOptions{session: s}
	cmd := &cobra.Command{
		Use:   "keys:add NAME FILE",
		Short: "Let an SSH key in",
		Long: `Let an SSH key in, under the name of its user: the name that releases will bear. FILE is the public half, - reads it
from the standard input.`,
		Example: `  paas keys:add ada ~/.ssh/id_ed25519.pub
  ssh-add -L | head -1 | paas keys:add ada -`,
		Args: between(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name, o.file = args[0], args[1]
			if err := paas.ValidateKeyName(o.name); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
		ValidArgsFunction: completeKeyFile,
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

// completeKeyFile lets the shell complete the file after the name.
func completeKeyFile(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return []string{"pub"}, cobra.ShellCompDirectiveFilterFileExt
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func runKeysAdd(ctx context.Context, o *keysAddOptions) error {
	public, err := o.readKey()
	if err != nil {
		return err
	}
	srv, err := o.server(ctx)
	if err != nil {
		return err
	}
	key, err := srv.AddKey(ctx, o.name, public)
	if err != nil {
		return err
	}
	o.note("Added the key %s of %s.", key.Fingerprint, key.Name)
	if !o.json {
		return nil
	}
	return printJSON(o.out, key)
}

// maxKey is well above the largest public key.
const maxKey = 64 << 10

// readKey reads the public key, and never lets a private one go.
func (o *keysAddOptions) readKey() (string, error) {
	in := stdinOf(o.in)
	if o.file != "-" {
		f, err := os.Open(o.file)
		if err != nil {
			return "", paas.Errorf(paas.Invalid, "the key cannot be read: %w", err).WithHint("ls ~/.ssh/*.pub")
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxKey))
	if err != nil {
		return "", fmt.Errorf("read the key: %w", err)
	}
	if strings.Contains(string(text), "PRIVATE KEY") {
		return "", paas.Errorf(paas.Invalid, "%s is a private key, which must stay where it is", o.file).
			WithHint("paas keys:add %s %s.pub", o.name, o.file)
	}
	return strings.TrimSpace(string(text)), nil
}

func newKeysRemove(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "keys:remove NAME",
		Short: "Shut an SSH key out",
		Long: `Shut an SSH key out, over connections that are open, too. The API tokens that its user has made stay, so that a new key
may take the place of the old one; paas names them.`,
		Example: "  paas keys:remove ada",
		Args:    between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runKeysRemove(cmd.Context(), s, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runKeysRemove(ctx context.Context, s *session, name string, asJSON bool) error {
	srv, err := s.server(ctx)
	if err != nil {
		return err
	}
	tokens, err := srv.Tokens(ctx) // before: the key may be the one that we came in by
	if err != nil {
		return err
	}
	key, err := srv.RemoveKey(ctx, name)
	if err != nil {
		return err
	}
	s.note("Removed the key %s of %s.", key.Fingerprint, key.Name)
	for _, t := range tokens {
		if t.User == key.Name {
			s.note("The token %s still lets %s in over HTTP. Revoke it with: paas tokens:remove %s", t.Name, t.User, t.Name)
		}
	}
	if !asJSON {
		return nil
	}
	return printJSON(s.out, key)
}
