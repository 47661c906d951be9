package traefik

import (
	"regexp"
	"strings"

	"paas/router"
)

// Priorities: any exact host before any wildcard, then the longer path prefix, then what no app answers.
const (
	prioUnknown  = 1
	prioWildcard = 1_000
	prioExact    = 10_000
)

// match returns the rule of a domain as router.ValidateDomain leaves it, and its priority. ok is false for a domain that
// cannot be put into a rule; there is none.
func match(domain string) (rule string, priority int, ok bool) {
	host, prefix := router.SplitDomain(domain)
	priority = prioExact
	if parent, wild := strings.CutPrefix(host, "*."); wild {
		// A name of one more label, with or without the dot at its end, which Host takes as well.
		rule, priority = "HostRegexp(`^[^.]+\\."+regexp.QuoteMeta(parent)+"\\.?$`)", prioWildcard
		host = parent
	} else {
		rule = "Host(`" + host + "`)"
	}
	if prefix != "" { // whole segments
		rule += " && (Path(`" + prefix + "`) || PathPrefix(`" + prefix + "/`))"
	}
	return rule, priority + len(prefix), quotable(host) && quotable(prefix)
}

// quotable holds for what stays between the backquotes of a rule, which has no way to write one.
func quotable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r == '`' || r < ' ' || r > '~' })
}
