package paas

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Routing is how the router treats the requests to an app. It is no part of a release. A zero field means its default.
type Routing struct {
	Timeout     Seconds `json:"timeout,omitempty"`      // from the end of a request to the first byte of the response; default 30
	IdleTimeout Seconds `json:"idle_timeout,omitempty"` // without a byte either way; default 55
	MaxBody     Bytes   `json:"max_body,omitempty"`     // of a request; 0: no bound
	MaxRequests int     `json:"max_requests,omitempty"` // in flight at one time; 0: no bound
	HTTPS       HTTPS   `json:"https,omitempty"`        // default HTTPSOptional
	Canonical   string  `json:"canonical,omitempty"`    // the host that requests to the app's other hosts are sent to; empty: none
}

// HTTPS is what becomes of requests without TLS.
type HTTPS string

// The treatments of requests without TLS.
const (
	HTTPSOptional HTTPS = "optional" // they are served
	HTTPSRedirect HTTPS = "redirect" // 308 to https
)

// The defaults of Routing.
const (
	DefaultTimeout     Seconds = 30
	DefaultIdleTimeout Seconds = 55
)

// MaxRequestsLimit bounds the setting max-requests.
const MaxRequestsLimit = 100_000

// RoutingPatch is a change of routing by the settings' names: timeout, idle-timeout, max-body, max-requests, https,
// canonical. nil means the default again.
type RoutingPatch map[string]*string

// Validate checks each name and value but the host of canonical, which has to be one of the app's.
func (p RoutingPatch) Validate() error {
	if len(p) == 0 {
		return Errorf(Invalid, "no setting given").WithHint("paas router:set timeout=60")
	}
	_, _, err := Routing{}.Apply(p)
	return err
}

// routingSetting is one setting: how it is read, and shown; "" is unset.
type routingSetting struct {
	name, def string
	set       func(r *Routing, value string) error
	value     func(r Routing) string
}

func routingSettings() []routingSetting {
	return []routingSetting{
		{
			"timeout", strconv.Itoa(int(DefaultTimeout)),
			func(r *Routing, v string) (err error) {
				r.Timeout, err = parseSeconds("router", "timeout", v, MaxCheckSeconds)
				return err
			},
			func(r Routing) string { return positive(int64(r.Timeout)) },
		},
		{
			"idle-timeout", strconv.Itoa(int(DefaultIdleTimeout)),
			func(r *Routing, v string) (err error) {
				r.IdleTimeout, err = parseSeconds("router", "idle-timeout", v, MaxCheckSeconds)
				return err
			},
			func(r Routing) string { return positive(int64(r.IdleTimeout)) },
		},
		{"max-body", "", (*Routing).setMaxBody, func(r Routing) string { return positive(int64(r.MaxBody)) }},
		{"max-requests", "", (*Routing).setMaxRequests, func(r Routing) string { return positive(int64(r.MaxRequests)) }},
		{"https", string(HTTPSOptional), (*Routing).setHTTPS, func(r Routing) string { return string(r.HTTPS) }},
		{
			"canonical", "",
			func(r *Routing, v string) error {
				r.Canonical = strings.ToLower(strings.TrimSuffix(v, "."))
				return nil
			},
			func(r Routing) string { return r.Canonical },
		},
	}
}

func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func (r *Routing) setMaxBody(value string) (err error) {
	if r.MaxBody = 0; value != "" {
		r.MaxBody, err = ParseBytes(value)
	}
	return err
}

func (r *Routing) setMaxRequests(value string) error {
	r.MaxRequests = 0
	if value == "" {
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > MaxRequestsLimit {
		return Errorf(Invalid, "max-requests=%s is not a number from 1 to %d", strings.Trim(Quote(value), `"`), MaxRequestsLimit).
			WithHint("paas router:set max-requests=500")
	}
	r.MaxRequests = n
	return nil
}

func (r *Routing) setHTTPS(value string) error {
	r.HTTPS = HTTPS(value)
	if value != "" && r.HTTPS != HTTPSOptional && r.HTTPS != HTTPSRedirect {
		return Errorf(Invalid, "https is %s or %s, not %s", HTTPSOptional, HTTPSRedirect, Quote(value)).WithHint("paas router:set https=redirect")
	}
	return nil
}

// Apply returns the routing after the patch, and the names of the settings that changed, sorted.
func (r Routing) Apply(p RoutingPatch) (next Routing, changed []string, err error) {
	next = r
	known := map[string]routingSetting{}
	for _, s := range routingSettings() {
		known[s.name] = s
	}
	for _, name := range slices.Sorted(maps.Keys(p)) {
		s, ok := known[name]
		value := ""
		switch {
		case !ok:
			return r, nil, Errorf(Invalid, "the router has no setting %s", Quote(name)).
				WithHint("the settings are: timeout, idle-timeout, max-body, max-requests, https, canonical")
		case p[name] == nil:
		case *p[name] == "":
			return r, nil, Errorf(Invalid, "the setting %s has no value", Quote(name)).WithHint("paas router:unset %s", name)
		default:
			value = *p[name]
		}
		if err := s.set(&next, value); err != nil {
			return r, nil, err
		}
		if s.value(next) != s.value(r) {
			changed = append(changed, name)
		}
	}
	return next, changed, nil
}

// RoutingSetting is one setting as users see it.
type RoutingSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"` // seconds, bytes or a word; "" for no bound, and for no host
	Set   bool   `json:"set"`   // by router:set; else it is the default
}

// Settings lists all of them.
func (r Routing) Settings() []RoutingSetting {
	list := []RoutingSetting{}
	for _, s := range routingSettings() {
		v := RoutingSetting{Name: s.name, Value: s.value(r), Set: true}
		if v.Value == "" {
			v.Value, v.Set = s.def, false
		}
		list = append(list, v)
	}
	return list
}
