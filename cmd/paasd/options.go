package main

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"paas"
	"paas/router"
)

// options of serve. Each flag has an environment variable: --data-dir is PAAS_DATA_DIR.
type options struct {
	dataDir    string
	apiAddr    string
	sshAddr    string
	httpAddr   string
	httpsAddr  string
	acme       acmeOptions
	proxies    []string
	domain     string
	router     string
	subnetPool string
	docker     string
	size       paas.Size // of instances whose app asks for none
	builds     buildOptions
	verbose    bool
	traefik    traefikOptions
	push       pushOptions
}

func (o *options) bind(flags *pflag.FlagSet) {
	bindDataDir(flags, &o.dataDir)
	flags.StringVar(&o.apiAddr, "api-addr", "127.0.0.1:7070", "listener of the HTTP API; empty: none")
	flags.StringVar(&o.sshAddr, "ssh-addr", ":2222", "listener of the SSH door, for git and the paas command")
	flags.StringVar(&o.httpAddr, "http-addr", ":80", "the router's listener for apps")
	flags.StringVar(&o.httpsAddr, "https-addr", auto, "the router's listener for apps over TLS; auto: :443 where --domain is a public name; empty: none")
	o.acme.bind(flags)
	flags.StringSliceVar(&o.proxies, "trusted-proxies", nil, "networks of proxies before the router, whose X-Forwarded-* hold: 10.0.0.0/8,…")
	flags.StringVar(&o.domain, "domain", "localhost", "an app answers at <app>.<domain>")
	flags.StringVar(&o.router, "router", "embedded", "embedded, traefik, or none where something else routes")
	o.traefik.bind(flags)
	flags.StringVar(&o.subnetPool, "subnet-pool", "10.83.0.0/16", "addresses for the apps' networks, a /26 each")
	flags.StringVar(&o.docker, "docker", "", "the Docker engine; default DOCKER_HOST, else the local socket")
	flags.Var((*sizeFlag)(&o.size), "default-size", "what an instance may take whose app has not said so (ps:resize): 512mb:1cpu; empty: no bound")
	o.push.bind(flags)
	o.builds.bind(flags)
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "log each request")
}

// bytesFlag is an amount of bytes on the command line.
type bytesFlag paas.Bytes

func (b *bytesFlag) String() string { return paas.Bytes(*b).String() }
func (b *bytesFlag) Type() string   { return "size" }

func (b *bytesFlag) Set(text string) error {
	v, err := paas.ParseBytes(text)
	if err == nil {
		*b = bytesFlag(v)
	}
	return err
}

// sizeFlag is a size on the command line.
type sizeFlag paas.Size

func (s *sizeFlag) String() string { return paas.Size(*s).String() }
func (s *sizeFlag) Type() string   { return "size" }

func (s *sizeFlag) Set(text string) error { return (*paas.Size)(s).UnmarshalText([]byte(text)) }

func bindDataDir(flags *pflag.FlagSet, dir *string) {
	flags.StringVar(dir, "data-dir", "/var/lib/paas", "where paasd keeps everything")
}

// fromEnv sets the flags that are not given from PAAS_… variables.
func fromEnv(cmd *cobra.Command, getenv func(string) string) error {
	var failed error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "PAAS_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value := getenv(name); value != "" && !f.Changed && failed == nil {
			if err := f.Value.Set(value); err != nil {
				failed = paas.Errorf(paas.Invalid, "%s=%s is not valid for --%s: %w", name, value, f.Name, err).
					WithHint("%s --help", cmd.CommandPath())
			}
		}
	})
	return failed
}

// settings are options that have been checked.
type settings struct {
	options
	pool    netip.Prefix
	reached func(moment string) // see faultPoint; nil: nothing
}

func (o options) check() (settings, error) {
	s := settings{options: o}
	var err error
	if s.dataDir, err = filepath.Abs(o.dataDir); err != nil {
		return s, err
	}
	for _, network := range o.proxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			return s, paas.Errorf(paas.Invalid, "--trusted-proxies %s is not a network", paas.Quote(network)).
				WithHint("paasd serve --trusted-proxies 10.0.0.0/8,192.0.2.7/32")
		}
	}
	if s.pool, err = netip.ParsePrefix(o.subnetPool); err != nil || !s.pool.Addr().Is4() || s.pool.Bits() > 24 {
		return s, paas.Errorf(paas.Invalid, "--subnet-pool %s is not an IPv4 network of /24 or larger", paas.Quote(o.subnetPool)).
			WithHint("paasd serve --subnet-pool 10.83.0.0/16")
	}
	if o.router != "embedded" && o.router != "traefik" && o.router != "none" {
		return s, paas.Errorf(paas.Invalid, "--router %s is not known", paas.Quote(o.router)).WithHint("use embedded, traefik or none")
	}
	if o.router != "none" && o.httpAddr == "" {
		return s, paas.Errorf(paas.Invalid, "the router has no address to listen on").
			WithHint("give --http-addr :80, or --router none where something else routes")
	}
	if s.domain, err = router.ValidateHost(o.domain); err != nil {
		return s, paas.Errorf(paas.Invalid, "--domain: %w", err).WithHint("paasd serve --domain apps.example.com")
	}
	if err := s.checkTLS(); err != nil {
		return s, err
	}
	if err := s.push.check(); err != nil {
		return s, err
	}
	if err := s.builds.check(); err != nil {
		return s, err
	}
	return s, checkAddrs(o.apiAddr, o.sshAddr, o.httpAddr, s.httpsAddr)
}

// checkAddrs refuses what is neither empty nor a host, which may be empty, and the number of a port.
func checkAddrs(addrs ...string) error {
	for _, addr := range addrs {
		if addr == "" {
			continue
		}
		_, port, err := net.SplitHostPort(addr)
		if _, notPort := strconv.ParseUint(port, 10, 16); err == nil && notPort != nil {
			err = fmt.Errorf("%s is not the number of a port", paas.Quote(port))
		}
		if err != nil {
			return paas.Errorf(paas.Invalid, "%s is not an address to listen on: %w", paas.Quote(addr), err).
				WithHint("give a host and a port, such as :2222 or 127.0.0.1:7070")
		}
	}
	return nil
}

// appURL is where people reach host through the router.
func (s settings) appURL(host string) string {
	if s.secures(host) {
		if port := portOf(s.httpsAddr); port != 443 {
			return fmt.Sprintf("https://%s:%d/", host, port)
		}
		return "https://" + host + "/"
	}
	if port := portOf(s.httpAddr); port != 0 && port != 80 {
		return fmt.Sprintf("http://%s:%d/", host, port)
	}
	return "http://" + host + "/"
}

// gitURL is the git remote of an app.
func (s settings) gitURL(app string) string { return s.serverURL() + "/" + app }

// serverURL is where the paas command finds this server.
func (s settings) serverURL() string {
	return fmt.Sprintf("ssh://paas@%s:%d", s.domain, portOf(s.sshAddr))
}

func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

func (s settings) path(elem ...string) string {
	return filepath.Join(append([]string{s.dataDir}, elem...)...)
}

func (s settings) socket() string { return s.path("paasd.sock") }
