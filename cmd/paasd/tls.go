package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"paas"
	"paas/router/certs"
)

// auto is the --https-addr that goes by the domain.
const auto = "auto"

// acmeOptions say where the router gets certificates.
type acmeOptions struct {
	email, directory, ca string
	authority            string // the path of the copy of ca that the router reads
}

func (o *acmeOptions) bind(flags *pflag.FlagSet) {
	flags.StringVar(&o.email, "acme-email", "", "for the account with the ACME authority, which may want to tell something")
	flags.StringVar(&o.directory, "acme-directory", certs.DefaultDirectory, "the ACME authority that certificates come from; to use it is to agree to its terms")
	flags.StringVar(&o.ca, "acme-ca", "", "PEM file of the authorities that a private ACME authority's own certificate is checked by")
}

// checkTLS settles whether the router takes TLS, and what it needs for that.
func (s *settings) checkTLS() error {
	switch {
	case s.router == "none":
		s.httpsAddr = ""
	case s.httpsAddr == auto && certs.Public(s.domain):
		s.httpsAddr = ":443"
	case s.httpsAddr == auto:
		s.httpsAddr = ""
	}
	if err := certs.CheckDirectory(s.acme.directory); err != nil {
		return paas.Errorf(paas.Invalid, "--acme-directory: %w", err).WithHint("paasd serve --acme-directory https://ca.internal/acme/acme/directory")
	}
	if strings.ContainsAny(s.acme.email, " \t,<>") || s.acme.email != "" && strings.Count(s.acme.email, "@") != 1 {
		return paas.Errorf(paas.Invalid, "--acme-email %s is not an address", paas.Quote(s.acme.email)).WithHint("paasd serve --acme-email ops@example.com")
	}
	if s.acme.ca != "" {
		if _, err := readAuthority(s.acme.ca); err != nil {
			return err
		}
	}
	return nil
}

// secures says whether the router can get a certificate for host.
func (s settings) secures(host string) bool {
	return s.httpsAddr != "" && (s.acme.directory != certs.DefaultDirectory || certs.Public(host))
}

// readAuthority reads the file of --acme-ca.
func readAuthority(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, paas.Errorf(paas.Invalid, "--acme-ca: %w", err).WithHint("give the PEM file of the private ACME authority's root certificate")
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return nil, paas.Errorf(paas.Invalid, "--acme-ca: %s has no certificate in PEM", path).WithHint("give the PEM file of the private ACME authority's root certificate")
	}
	return text, nil
}

// keepAuthority makes the folder of the certificates, and copies what --acme-ca names to where the router's container sees
// it, under a name that changes with the content.
func (p *platform) keepAuthority() error {
	if p.httpsAddr == "" {
		return nil
	}
	if err := os.MkdirAll(p.path("certs"), 0o700); err != nil || p.acme.ca == "" {
		return err
	}
	text, err := readAuthority(p.acme.ca)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	p.acme.authority = p.path("certs", "acme-ca-"+hex.EncodeToString(sum[:6])+".pem")
	if _, err := os.Stat(p.acme.authority); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	tmp := p.acme.authority + ".tmp"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return fmt.Errorf("copy %s: %w", p.acme.ca, err)
	}
	return os.Rename(tmp, p.acme.authority)
}

// tlsArgs are those of the router that takes TLS.
func (p *platform) tlsArgs() []string {
	args := []string{"--https-addr", p.httpsAddr, "--certs", p.path("certs"), "--acme-directory", p.acme.directory}
	if p.acme.email != "" {
		args = append(args, "--acme-email", p.acme.email)
	}
	if p.acme.authority != "" {
		args = append(args, "--acme-ca", p.acme.authority)
	}
	return args
}

// trust makes the router check the ACME authority's own certificate by the ones in the file ca, too, if there is one.
func trust(opts *certs.Options, ca string) error {
	if ca == "" {
		return nil
	}
	text, err := readAuthority(ca)
	if err != nil {
		return err
	}
	opts.Roots = certs.SystemRoots()
	opts.Roots.AppendCertsFromPEM(text)
	return nil
}
