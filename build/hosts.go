package build

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"paas"
)

// hostRule lets submodules come from a host.
type hostRule struct {
	name string     // a name or an address; "*": any public one
	port string     // "443" unless it is given
	addr netip.Addr // where the name is, if that is given; it may then be no public one
}

// HostRules are the hosts that submodules come from. None: submodules are not fetched.
type HostRules []hostRule

// Submodules is where submodules come from.
type Submodules struct {
	Hosts HostRules
	CA    string // file of the authorities that hosts are checked by; "": the system's
}

// ParseHostRules reads hosts: a name or an address, with a port if it is not 443; with =ADDRESS for a name that stands for an address
// of a private network; or * for any host with a public address.
func ParseHostRules(hosts []string) (HostRules, error) {
	var rules HostRules
	for _, text := range hosts {
		rule, ok := parseHostRule(text)
		if !ok {
			return nil, paas.Errorf(paas.Invalid, "%s is not a host to fetch submodules from", paas.Quote(text)).
				WithHint("paasd serve --submodule-hosts github.com,git.example.com:8443,git.internal=10.0.0.7")
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseHostRule(text string) (rule hostRule, ok bool) {
	host, addr, fixed := strings.Cut(text, "=")
	if fixed {
		var err error
		if rule.addr, err = netip.ParseAddr(addr); err != nil {
			return rule, false
		}
	}
	u, err := url.Parse("https://" + host)
	if err != nil || u.Host != host || u.Hostname() == "" || strings.ContainsAny(host, "/\\ ") {
		return rule, false
	}
	rule.name, rule.port = strings.ToLower(u.Hostname()), portOf(u)
	if own, err := netip.ParseAddr(rule.name); err == nil && !fixed {
		rule.addr = own
	}
	return rule, true
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return "443"
}

// String is how the rules are written, without addresses.
func (h HostRules) String() string {
	var names []string
	for _, rule := range h {
		name := rule.name
		if rule.port != "443" {
			name = net.JoinHostPort(name, rule.port)
		}
		names = append(names, name)
	}
	return strings.Join(names, ",")
}

// find is the rule that lets u be fetched. One that names the host wins over *.
func (h HostRules) find(u *url.URL) (found hostRule, ok bool) {
	for _, rule := range h {
		if rule.port != portOf(u) {
			continue
		}
		if rule.name == strings.ToLower(u.Hostname()) {
			return rule, true
		}
		if rule.name == "*" {
			found, ok = rule, true
		}
	}
	return found, ok
}

// inward are networks that look public to net/netip and lead inside, or nowhere.
var inward = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("::/96"),
}

func public(a netip.Addr) bool {
	a = a.Unmap()
	for _, p := range inward {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsGlobalUnicast() && !a.IsPrivate()
}

// locate says at which addresses the host of u is to be reached, all of them looked at here, once: git is given them, and asks nobody
// else.
func (h HostRules) locate(ctx context.Context, u *url.URL) ([]netip.Addr, error) {
	rule, ok := h.find(u)
	if !ok {
		return nil, paas.Errorf(paas.Invalid, "%s is not among the hosts that submodules are fetched from: %s", u.Host, h).
			WithHint("paasd serve --submodule-hosts %s,%s", h, u.Host)
	}
	if rule.addr.IsValid() {
		return []netip.Addr{rule.addr}, nil
	}
	addrs, err := new(net.Resolver).LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil, paas.Errorf(paas.Unavailable, "the host %s is not to be found: %w", u.Hostname(), err).WithHint("push again in a moment")
	}
	for _, a := range addrs {
		if !public(a) {
			return nil, paas.Errorf(paas.Invalid, "%s is at %s, which is no public address: submodules are not fetched from there", u.Hostname(), a.Unmap()).
				WithHint("if that is meant: paasd serve --submodule-hosts %s=%s", u.Host, a.Unmap())
		}
	}
	return addrs, nil
}
