package traefik

import (
	"net/netip"
	"path/filepath"
	"strings"
)

// Static is how Traefik is started.
type Static struct {
	Dir       string // of the target; the only one that Traefik needs to write to
	HTTPAddr  string
	HTTPSAddr string         // empty: no HTTPS
	API       netip.AddrPort // on the loopback interface: whoever reaches it reads the routing table
	Trusted   []string       // networks of proxies whose X-Forwarded-* hold
	Extra     []string       // more arguments, as Traefik takes them: a certificate resolver, say
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
		"--entrypoints.traefik.reuseport=true",
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
		args = append(args, s.entry(entryHTTPS, s.HTTPSAddr)...)
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
