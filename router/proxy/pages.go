package proxy

import (
	"fmt"
	"net/http"

	"paas"
	"paas/router"
)

// pages are the error pages of an app's own; nil: the router's.
type pages struct {
	maintenance, unavailable []byte
}

// of is the page for a failure; nil where there is none.
func (p *pages) of(c code, status int) []byte {
	switch {
	case c == maintenance:
		return p.maintenance
	case status == http.StatusServiceUnavailable:
		return p.unavailable
	}
	return nil
}

// library is the content of the files that a table names, each once, in memory.
type library map[string][]byte

// read takes over from l, the library before, what t still names, and reads the rest. Of a file that is not there, or
// damaged, it says so; what it was for then has none.
func (l library) read(files router.Files, t router.Table) (library, []router.Problem) {
	next, problems := library{}, []router.Problem(nil)
	for _, r := range t.Routes {
		for _, name := range paas.PageNames() {
			file := *r.Pages.Of(name)
			if file == "" || next[file] != nil {
				continue
			}
			data, err := l[file], error(nil)
			if data == nil {
				data, err = files.Get(file)
			}
			if err != nil {
				text := fmt.Sprintf("its page for %s, for which the router's own stands in: %v", name, err)
				problems = append(problems, router.Problem{App: r.App, Text: text})
				continue
			}
			next[file] = data
		}
	}
	return next, problems
}

func (l library) pagesOf(r paas.Route) pages {
	return pages{maintenance: l[r.Pages.Maintenance], unavailable: l[r.Pages.Unavailable]}
}
