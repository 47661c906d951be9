package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"paas"
)

func newRegistries(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "registries",
		Short: "List the image registries that the platform is logged in to",
		Long: `List the image registries that the platform is logged in to. Every app's builds and deployments use the logins for private
images of those hosts; a password is never shown.

Piped: host, user, who logged in, time.`,
		Example: `  paas registries
  paas registries --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRegistries(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runRegistries(ctx context.Context, s *session, asJSON bool) error {
	srv, err := s.server(ctx)
	if err != nil {
		return err
	}
	registries, err := srv.Registries(ctx)
	if err != nil {
		return err
	}
	if len(registries) == 0 && !asJSON {
		s.note("There are no logins of registries. Log in with: paas registry:login HOST -u USER")
		return nil
	}
	return s.show(asJSON, list(registries), func(p *page) {
		rows := make([][]string, 0, len(registries))
		for _, r := range registries {
			rows = append(rows, []string{r.Host, r.User, r.CreatedBy, p.ago(r.CreatedAt)})
		}
		p.table([]string{"HOST", "USER", "BY", "SINCE"}, rows)
	})
}

// registryLoginOptions of registry:login.
type registryLoginOptions struct {
	*session
	host, user string
	stdin      bool
	noVerify   bool
	json       bool
}

func newRegistryLogin(s *session, run func(context.Context, *registryLoginOptions) error) *cobra.Command {
	o := &registryLoginOptions{session: s}
	cmd := &cobra.Command{
		Use:   "registry:login HOST -u USER",
		Short: "Log the platform in to an image registry",
		Long: `Log the platform in to an image registry, for private images of every app. The password, better a token that may only read,
or write where --registry of paasd is there, is asked for, or read from the standard input. The registry has to take it
before it is kept, sealed.`,
		Example: `  paas registry:login ghcr.io -u ada
  paas registry:login registry.example.com:5000 -u ci --password-stdin < token`,
		Args: between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.host = args[0]
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVarP(&o.user, "username", "u", "", "user of the registry")
	cmd.Flags().BoolVar(&o.stdin, "password-stdin", false, "read the password from the standard input")
	cmd.Flags().BoolVar(&o.noVerify, "no-verify", false, "keep the login without trying it")
	jsonFlag(cmd, &o.json)
	return cmd
}

func runRegistryLogin(ctx context.Context, o *registryLoginOptions) error {
	host, err := paas.ParseRegistryHost(o.host)
	if err != nil {
		return err
	}
	if o.user == "" {
		return paas.Errorf(paas.Invalid, "registry:login needs the user of the registry").WithHint("paas registry:login %s -u USER", host)
	}
	password, err := o.password(host)
	if err != nil {
		return err
	}
	srv, err := o.server(ctx)
	if err != nil {
		return err
	}
	registry, err := srv.AddRegistry(ctx, host, o.user, password, o.noVerify)
	if err != nil {
		return err
	}
	o.note("Logged in to %s as %s.", registry.Host, registry.User)
	if !o.json {
		return nil
	}
	return printJSON(o.out, registry)
}

// maxPassword is well above the longest token.
const maxPassword = 64 << 10

// password asks for it on a terminal, without showing it; it is never an argument.
func (o *registryLoginOptions) password(host string) (string, error) {
	if o.stdin {
		text, err := bufio.NewReader(io.LimitReader(stdinOf(o.in), maxPassword)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(text, "\r\n"), nil
	}
	in := terminal(o.in)
	if in == nil {
		return "", paas.Errorf(paas.Invalid, "there is no terminal to ask for the password on").
			WithHint("paas registry:login %s -u %s --password-stdin < FILE", host, o.user)
	}
	_, _ = fmt.Fprintf(o.err, "Password of %s at %s: ", o.user, host) // as a note
	text, err := term.ReadPassword(int(in.Fd()))
	o.note("")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(text), nil
}

func newRegistryLogout(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "registry:logout HOST",
		Short: "Forget the login of an image registry",
		Long: `Forget the login of an image registry. Images that are on this host stay; what the platform keeps of the registry is gone at
once, what the registry keeps is to be revoked there.`,
		Example: "  paas registry:logout ghcr.io",
		Args:    between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runRegistryLogout(cmd.Context(), s, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runRegistryLogout(ctx context.Context, s *session, host string, asJSON bool) error {
	srv, err := s.server(ctx)
	if err != nil {
		return err
	}
	registry, err := srv.RemoveRegistry(ctx, host)
	if err != nil {
		return err
	}
	s.note("Logged out of %s.", registry.Host)
	if !asJSON {
		return nil
	}
	return printJSON(s.out, registry)
}
