package traefik

// config is one file of dynamic configuration, as far as we use it: the names and shapes are Traefik's. JSON is YAML.
type config struct {
	HTTP httpConfig `json:"http"`
	TLS  *tlsConfig `json:"tls,omitempty"`
}

type tlsConfig struct {
	Certificates []certificate `json:"certificates"`
}

type certificate struct {
	CertFile string `json:"certFile"`
	KeyFile  string `json:"keyFile"`
}

type httpConfig struct {
	Routers     map[string]*rule       `json:"routers,omitempty"`
	Services    map[string]*service    `json:"services,omitempty"`
	Middlewares map[string]*middleware `json:"middlewares,omitempty"`
	Transports  map[string]*transport  `json:"serversTransports,omitempty"`
}

// rule is what Traefik calls a router.
type rule struct {
	EntryPoints []string   `json:"entryPoints"`
	Rule        string     `json:"rule"`
	Priority    int        `json:"priority"`
	Middlewares []string   `json:"middlewares,omitempty"`
	Service     string     `json:"service"`
	TLS         *routerTLS `json:"tls,omitempty"`
}

type routerTLS struct {
	Resolver string      `json:"certResolver,omitempty"`
	Domains  []tlsDomain `json:"domains,omitempty"`
}

type tlsDomain struct {
	Main string `json:"main"`
}

type service struct {
	LoadBalancer loadBalancer `json:"loadBalancer"`
}

type loadBalancer struct {
	Servers            []server    `json:"servers"`
	PassHostHeader     bool        `json:"passHostHeader"`
	ResponseForwarding *forwarding `json:"responseForwarding,omitempty"`
	Transport          string      `json:"serversTransport,omitempty"`
}

type server struct {
	URL          string `json:"url"`
	PreservePath bool   `json:"preservePath,omitempty"` // the URL's path goes before the request's
}

type forwarding struct {
	FlushInterval string `json:"flushInterval"`
}

type transport struct {
	Timeouts timeouts `json:"forwardingTimeouts"`
}

type timeouts struct {
	Dial           string `json:"dialTimeout"`
	ResponseHeader string `json:"responseHeaderTimeout"`
	IdleConn       string `json:"idleConnTimeout"`
}

// middleware is one of them.
type middleware struct {
	RedirectScheme *redirectScheme `json:"redirectScheme,omitempty"`
	RedirectRegex  *redirectRegex  `json:"redirectRegex,omitempty"`
	InFlight       *inFlight       `json:"inFlightReq,omitempty"`
	Retry          *retry          `json:"retry,omitempty"`
	StripPrefix    *stripPrefix    `json:"stripPrefix,omitempty"`
}

type redirectScheme struct {
	Scheme    string `json:"scheme"`
	Port      string `json:"port,omitempty"`
	Permanent bool   `json:"permanent"`
}

type redirectRegex struct {
	Regex       string `json:"regex"`
	Replacement string `json:"replacement"`
	Permanent   bool   `json:"permanent"`
}

type inFlight struct {
	Amount int `json:"amount"`
}

type retry struct {
	Attempts int `json:"attempts"`
}

type stripPrefix struct {
	Prefixes []string `json:"prefixes"`
}
