package proxy

import (
	"slices"
	"strings"

	"paas/router"
)

// sites finds the app of a request: by host, an exact one before a wildcard for its first label, then by path prefix, the
// longest first.
type sites map[string]*site

// site is what answers at one host.
type site struct {
	app      *app // for all other paths; may be nil
	prefixes []prefix
}

type prefix struct {
	path string // begins with a /, ends without
	app  *app
}

func (s sites) add(domain string, a *app) {
	host, path := router.SplitDomain(domain)
	at := s[host]
	if at == nil {
		at = &site{}
		s[host] = at
	}
	if path == "" {
		at.app = a
		return
	}
	i, _ := slices.BinarySearchFunc(at.prefixes, path, func(p prefix, path string) int { return len(path) - len(p.path) })
	at.prefixes = slices.Insert(at.prefixes, i, prefix{path, a})
}

// find returns the app for a request's host, in its normal form, and target; nil if there is none.
func (s sites) find(host, target string) *app {
	if a := s[host].find(target); a != nil {
		return a
	}
	if dot := strings.IndexByte(host, '.'); dot > 0 {
		return s["*"+host[dot:]].find(target)
	}
	return nil
}

func (s *site) find(target string) *app {
	if s == nil {
		return nil
	}
	for i := range s.prefixes {
		if inPath(target, s.prefixes[i].path) {
			return s.prefixes[i].app
		}
	}
	return s.app
}

// under compares whole segments, as the client wrote them.
func inPath(target, path string) bool {
	if !strings.HasPrefix(target, path) {
		return false
	}
	rest := target[len(path):]
	return rest == "" || rest[0] == '/' || rest[0] == '?'
}
