package traefik

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// Static is how Traefik is started.
type Static struct {
	Dir       string // of the target; the only one that Traefik needs to write to
	HTTPAddr  string
	HTTPSAddr string         // empty: no HTTPS
	API       netip.AddrPort // on the loopback interface: whoever reaches it reads the routing table
	Trusted   []string       // networks of proxies whose X-Forwarded-* hold
	ACME      ACME
	Extra     []string // more arguments, as Traefik takes them; what they say of Resolver stands in the place of ACME
}

// ACME is where certificates come from. A zero field is Traefik's default.
type ACME struct {
	Email     string
	Directory string
	CA        string // PEM file of what the directory's own certificate is checked by
}

// Resolver is the name of what gets certificates.
const Resolver = "paas"

const resolverArgs = "--certificatesresolvers." + Resolver + "."

// OwnResolver says whether the operator's arguments make up the resolver. Only such a one is asked for wildcards.
func (s Static) OwnResolver() bool {
	return slices.ContainsFunc(s.Extra, func(arg string) bool { return strings.HasPrefix(strings.ToLower(arg), resolverArgs) })
}

func (s Static) resolver() []string {
	if s.OwnResolver() {
		return nil
	}
	args := []string{resolverArgs + "acme.tlschallenge=true", resolverArgs + "acme.storage=" + filepath.Join(s.Dir, "acme.json")}
	for _, option := range [][2]string{{"email", s.ACME.Email}, {"caserver", s.ACME.Directory}, {"cacertificates", s.ACME.CA}} {
		if option[1] != "" {
			args = append(args, resolverArgs+"acme."+option[0]+"="+option[1])
		}
	}
	return args
}

// Args are Traefik's arguments.
func (s Static) Args() []string {
	args := []string{
		"--global.checknewversion=false",
		"--global.sendanonymoususage=false",
		"--log.level=WARN",
		"--providers.file.directory=" + filepath.Join(s.Dir, dynamicDir),
		"--providers.file.watch=true",
		"--providers.providersthrottleduration=10ms",
		"--entrypoints.traefik.address=" + s.API.String(), // the name of the one that the API and ping are served on
		"--api.insecure=true",
		"--api.dashboard=false",
		"--ping=true",
		"--accesslog=true",
		"--accesslog.format=json",
		"--accesslog.filepath=" + filepath.Join(s.Dir, accessFile),
		"--accesslog.fields.headers.names.X-Request-Id=keep",
		"--accesslog.fields.headers.names.X-Forwarded-For=keep",
		"--accesslog.fields.headers.names.Date=keep", // tells an app's answer from Traefik's own
	}
	args = append(args, s.entry(entryHTTP, s.HTTPAddr)...)
	if s.HTTPSAddr != "" {
		args = append(append(args, s.entry(entryHTTPS, s.HTTPSAddr)...), s.resolver()...)
	}
	return append(args, s.Extra...)
}

func (s Static) entry(name, addr string) []string {
	entry := "--entrypoints." + name
	args := []string{
		entry + ".address=" + addr,
		entry + ".reuseport=true",                              // so that a new Traefik starts beside the old one
		entry + ".transport.respondingtimeouts.readtimeout=0s", // of a whole request: an upload may take its time
		entry + ".transport.respondingtimeouts.idletimeout=55s",
		entry + ".transport.lifecycle.gracetimeout=30s",
		entry + ".http.sanitizepath=false", // apps get the path that was asked for
		entry + ".http.maxheaderbytes=65536",
	}
	if len(s.Trusted) > 0 {
		args = append(args, entry+".forwardedheaders.trustedips="+strings.Join(s.Trusted, ","))
	}
	return args
}
