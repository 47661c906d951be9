package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"paas"
)

type certsOptions struct {
	*session
	json bool
}

func newCerts(s *session, run func(context.Context, *certsOptions) error) *cobra.Command {
	o := &certsOptions{session: s}
	cmd := &cobra.Command{
		Use:   "certs",
		Short: "Show how it stands with TLS at an app's hosts",
		Long: `Show how it stands with TLS at an app's hosts.

A certificate is own, if you brought it with certs:add, or acme: the router obtains it when somebody first visits the
host by https, and renews it. Its state is valid; expiring, soon, and it should have been renewed; expired; waiting for
the first visit; failed to be obtained, with the authority's words; none, where it takes one of your own, as for
wildcards and for names that are not public; or off, where the router takes no TLS at all.

Piped: names, source, state, issuer, expires at, error, error at, next try at.`,
		Example: `  paas certs
  paas certs --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runCerts(ctx context.Context, o *certsOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	certs, err := srv.Certificates(ctx, app)
	if err != nil {
		return err
	}
	if noTLS(certs) {
		o.note("The router takes no TLS: start paasd with --https-addr.")
	}
	return o.show(o.json, list(certs), func(p *page) {
		rows := make([][]string, 0, len(certs))
		for _, c := range certs {
			rows = append(rows, []string{
				strings.Join(c.Names, ","), string(c.Source), string(c.State), c.Issuer, p.until(moment(c.Expires)),
				c.Error, p.ago(moment(c.ErrorAt)), p.until(moment(c.NextTry)),
			})
		}
		p.table([]string{"NAMES", "SOURCE", "STATE", "ISSUER", "EXPIRES", "ERROR", "SINCE", "NEXT TRY"}, rows)
	})
}

// noTLS says whether the router takes none.
func noTLS(certs []paas.Certificate) bool {
	return slices.ContainsFunc(certs, func(c paas.Certificate) bool { return c.State == paas.CertificateOff })
}

type certsAddOptions struct {
	*session
	chain, key string // files
	json       bool
}

func newCertsAdd(s *session, run func(context.Context, *certsAddOptions) error) *cobra.Command {
	o := &certsAddOptions{session: s}
	cmd := &cobra.Command{
		Use:   "certs:add CERT.pem KEY.pem",
		Short: "Give an app a certificate of its own",
		Long: `Give an app a certificate of its own, for wildcards, for names that are not public, or from an authority of your choice.
It goes before one that the router obtains. The first file has the app's certificate and then the ones that issued it, the
second the key, which must not be encrypted. It takes the place of the one with the same first name; nobody renews it but
you.`,
		Example: "  paas certs:add fullchain.pem privkey.pem",
		Args:    between(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.chain, o.key = args[0], args[1]
			return run(cmd.Context(), o)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"pem", "crt", "key"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func runCertsAdd(ctx context.Context, o *certsAddOptions) error {
	chain, err := readPEM(o.chain)
	if err != nil {
		return err
	}
	key, err := readPEM(o.key)
	if err != nil {
		return err
	}
	if _, err := paas.ReadCertificate(chain, key, time.Now()); err != nil {
		return err // before the key leaves this machine
	}
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	cert, err := srv.AddCertificate(ctx, app, chain, key)
	if err != nil {
		return err
	}
	o.note("%s shows your certificate at %s until %s.", app, strings.Join(cert.Names, ", "), cert.Expires.Format(time.DateOnly))
	if !o.json {
		return nil
	}
	return printJSON(o.out, cert)
}

// maxPEMFile is well above the largest that is accepted.
const maxPEMFile = 128 << 10

func readPEM(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, paas.Errorf(paas.Invalid, "the certificate cannot be read: %w", err).WithHint("paas certs:add CERT.pem KEY.pem")
	}
	defer func() { _ = f.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxPEMFile))
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return text, nil
}

func newCertsRemove(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "certs:remove NAME",
		Short:   "Take a certificate of its own away from an app",
		Long:    `Take a certificate of its own away from an app: the one whose first name is NAME, as paas certs shows it.`,
		Example: "  paas certs:remove '*.example.com'",
		Args:    between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runCertsRemove(cmd.Context(), s, args[0], asJSON)
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runCertsRemove(ctx context.Context, s *session, name string, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	cert, err := srv.RemoveCertificate(ctx, app, name)
	if err != nil {
		return err
	}
	s.note("%s no longer shows your certificate for %s.", app, strings.Join(cert.Names, ", "))
	if !asJSON {
		return nil
	}
	return printJSON(s.out, cert)
}
