package traefik

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"paas"
	"paas/router"
	"paas/router/certs"
	"paas/router/proxy"
)

// Layout says what the configuration of every app has in common. Its zero value serves HTTP, without pages.
type Layout struct {
	// Pages answers for what has no backends, and for hosts that no app has: the handler of proxy.Pages.
	Pages netip.AddrPort
	// HTTPS says that there is an entry point for it; the rest is of no use without.
	HTTPS     bool
	HTTPSPort int // that redirects name; 0 and 443: none
	// Resolver gets certificates: for public names, with Private for others too, with Wildcards for these too.
	Resolver           string
	Private, Wildcards bool
	Files              string // the folder of the router's files, as Traefik sees it: certificates of apps' own
}

// The names of the entry points.
const (
	entryHTTP  = "http"
	entryHTTPS = "https"
)

// versionFile is read first of all, and is the only one in the folder that Traefik watches: whatever was loaded with it
// was written before it. The apps' files are in appsDir below.
const (
	versionFile = "00-version.yml"
	appsDir     = "apps"
)

// versionPrefix begins the name of the middleware that tells which version is live. Nothing uses it.
const versionPrefix = "version-"

// codes are what Pages answers, each by a service of that name; the first for hosts that no app has.
var codes = []string{"404", "H10", "H14", "H20", "H80", "H81"}

// Render returns the files of a table by their paths in the folder of Traefik's file provider, and the name by which
// Traefik's API knows that they are live. The table is used as its Check leaves it.
func Render(t router.Table, l Layout) (files map[string][]byte, version string) {
	t, _ = t.Check()
	files = map[string][]byte{}
	for _, r := range t.Routes {
		files[path.Join(appsDir, r.App+".yml")] = encode(l.app(r))
	}
	common := l.common()
	sum := sha256.New()
	sum.Write(encode(common))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(sum, "%s %d\n", name, len(files[name]))
		sum.Write(files[name])
	}
	version = versionPrefix + strconv.FormatUint(t.Version, 10) + "-" + hex.EncodeToString(sum.Sum(nil)[:8])
	common.HTTP.Middlewares[version] = &middleware{StripPrefix: &stripPrefix{Prefixes: []string{"/"}}}
	files[versionFile] = encode(common)
	return files, version
}

// common is what belongs to no app.
func (l Layout) common() config {
	c := config{HTTP: httpConfig{Middlewares: map[string]*middleware{}}}
	if !l.Pages.IsValid() {
		return c
	}
	c.HTTP.Services = map[string]*service{}
	for _, code := range codes {
		c.HTTP.Services[code] = l.page("/" + code)
	}
	c.HTTP.Routers = map[string]*rule{}
	l.add(c.HTTP.Routers, "unknown", rule{Rule: "PathPrefix(`/`)", Priority: prioUnknown, Service: codes[0]}, "")
	return c
}

// page is the service of a path of proxy.Pages.
func (l Layout) page(path string) *service {
	return &service{loadBalancer{
		Servers:        []server{{URL: "http://" + l.Pages.String() + path, PreservePath: true}},
		PassHostHeader: true,
	}}
}

// add adds a rule for each entry point.
func (l Layout) add(rules map[string]*rule, name string, r rule, domain string) {
	plain := r
	plain.EntryPoints = []string{entryHTTP}
	rules[name] = &plain
	if !l.HTTPS {
		return
	}
	secure := r
	secure.EntryPoints, secure.TLS = []string{entryHTTPS}, l.tls(domain)
	secure.Middlewares = slices.DeleteFunc(slices.Clone(r.Middlewares), func(m string) bool { return strings.HasSuffix(m, ":https") })
	rules[name+":tls"] = &secure
}

// tls says where the certificate for a domain comes from; of those in the files, Traefik finds the one that fits.
func (l Layout) tls(domain string) *routerTLS {
	host, _ := router.SplitDomain(domain)
	parent, wild := strings.CutPrefix(host, "*.")
	if l.Resolver == "" || host == "" || wild && !l.Wildcards || !l.Private && !certs.Public(parent) {
		return &routerTLS{}
	}
	if wild {
		return &routerTLS{Resolver: l.Resolver, Domains: []tlsDomain{{Main: host}}} // Traefik cannot read it out of the rule
	}
	return &routerTLS{Resolver: l.Resolver}
}

// certificates are those that the app's owner brought: each a chain and its key in one file.
func (l Layout) certificates(r paas.Route) *tlsConfig {
	if !l.HTTPS || len(r.Certificates) == 0 {
		return nil
	}
	c := &tlsConfig{}
	for _, name := range r.Certificates {
		if sum, err := hex.DecodeString(name); err == nil && len(sum) == sha256.Size {
			file := path.Join(l.Files, name)
			c.Certificates = append(c.Certificates, certificate{CertFile: file, KeyFile: file})
		}
	}
	return c
}

// app is the file of one app. Names in it begin with the app's ID, and a colon, which no ID has.
func (l Layout) app(r paas.Route) config {
	c := config{HTTP: httpConfig{Routers: map[string]*rule{}}, TLS: l.certificates(r)}
	target := l.target(r)
	if target == "" {
		return c
	}
	if path := proxy.PagePath(target, r); target != r.App && path != "/"+target {
		c.HTTP.Services = map[string]*service{r.App + ":" + target: l.page(path)}
		target = r.App + ":" + target
	}
	names := l.middlewares(&c, r)
	for i, domain := range r.Hosts {
		text, priority, ok := match(domain)
		if !ok {
			continue
		}
		use := names
		if host, _ := router.SplitDomain(domain); host == r.Routing.Canonical {
			use = slices.DeleteFunc(slices.Clone(names), func(m string) bool { return strings.HasSuffix(m, ":canonical") })
		}
		l.add(c.HTTP.Routers, r.App+":"+strconv.Itoa(i), rule{Rule: text, Priority: priority, Middlewares: use, Service: target}, domain)
	}
	if target == r.App {
		c.HTTP.Services = map[string]*service{r.App: backends(r)}
		c.HTTP.Transports = map[string]*transport{r.App: transportOf(r.Routing)}
	}
	return c
}

// target names the service that answers for an app: its own, or that of a code.
func (l Layout) target(r paas.Route) string {
	code := ""
	switch {
	case r.Maintenance:
		code = "H80"
	case r.Paused:
		code = "H20" // nothing here can hold a request
	case len(r.Backends) > 0:
		return r.App
	case r.Down != "":
		code = r.Down
	default:
		code = "H14"
	}
	if !l.Pages.IsValid() {
		return ""
	}
	return code
}

// connectTimeout is as the embedded router's.
const connectTimeout = "5s"

// keptIdle is how long a connection to a backend is kept for the next request. A drain lasts that much longer than the
// last request: to us, a connection that is kept looks like one in use.
const keptIdle = "1s"

// attempts are the connections that are tried, as long as none could be made.
const attempts = 3

func backends(r paas.Route) *service {
	s := &service{loadBalancer{
		PassHostHeader: true, ResponseForwarding: &forwarding{FlushInterval: "-1ns"}, Transport: r.App, // streams are not held back
	}}
	for _, b := range r.Backends {
		s.LoadBalancer.Servers = append(s.LoadBalancer.Servers, server{URL: "http://" + b.Addr.String()})
	}
	return s
}

func transportOf(r paas.Routing) *transport {
	wait := r.Timeout
	if wait == 0 {
		wait = paas.DefaultTimeout
	}
	return &transport{timeouts{Dial: connectTimeout, ResponseHeader: wait.Duration().String(), IdleConn: keptIdle}}
}

// middlewares adds what the app's settings ask for, and returns their names in the order of their use.
func (l Layout) middlewares(c *config, r paas.Route) []string {
	var names []string
	use := func(name string, m middleware) {
		if c.HTTP.Middlewares == nil {
			c.HTTP.Middlewares = map[string]*middleware{}
		}
		c.HTTP.Middlewares[r.App+":"+name] = &m
		names = append(names, r.App+":"+name)
	}
	if r.Routing.HTTPS == paas.HTTPSRedirect {
		redirect := &redirectScheme{Scheme: "https", Permanent: true}
		if l.HTTPSPort != 0 && l.HTTPSPort != 443 {
			redirect.Port = strconv.Itoa(l.HTTPSPort)
		}
		use("https", middleware{RedirectScheme: redirect})
	}
	if host := r.Routing.Canonical; host != "" && !strings.ContainsRune(host, '$') {
		use("canonical", middleware{RedirectRegex: &redirectRegex{
			Regex: `^(https?)://[^/:]+(:[0-9]+)?(/.*)?$`, Replacement: "${1}://" + host + "${2}${3}", Permanent: true,
		}})
	}
	if l.target(r) != r.App {
		return names
	}
	if r.Routing.MaxRequests > 0 {
		use("requests", middleware{InFlight: &inFlight{Amount: r.Routing.MaxRequests}})
	}
	use("retry", middleware{Retry: &retry{Attempts: min(attempts, 1+len(r.Backends))}})
	return names
}

// encode writes a file. Traefik runs it through a template before it reads it: an action must not begin in it.
func encode(c config) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(c); err != nil {
		panic(err) // strings, numbers and maps of them
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("{{"), []byte(`{\u007b`)) // only a text can have two in a row
}
