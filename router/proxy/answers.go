package proxy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"paas"
	"paas/router"
)

// pageCodes are the codes that Pages answers: what can stand for an app without backends, and an unknown host.
var pageCodes = []code{crashed, noInstance, booting, maintenance, nothing, unknown}

// Pages answers as the router does for hosts that no app has and for apps that nothing serves, for another data plane to
// lead such requests to. The first segment of the path is what PagePath made.
func Pages(files router.Files) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		name, own, _ := strings.Cut(first, ownPage)
		c := code(name)
		if !slices.Contains(pageCodes, c) {
			c, own = unknown, ""
		}
		var page []byte
		if own != "" {
			page, _ = files.Get(own) // where it is not there, the router's own stands in
		}
		writePage(w, r, c, page)
	})
}

// ownPage is between a code and the name of the app's own page for it.
const ownPage = "+"

// PagePath is the begin of the path that Pages answers with that code, by the route's own page if it has one.
func PagePath(c string, r paas.Route) string {
	name := ""
	switch m := code(c).meaning(); {
	case code(c) == maintenance:
		name = r.Pages.Maintenance
	case m.status == http.StatusServiceUnavailable:
		name = r.Pages.Unavailable
	}
	if name == "" {
		return "/" + c
	}
	return "/" + c + ownPage + name
}

// writePage answers with own, unless that is nil or the client wants JSON.
func writePage(w http.ResponseWriter, r *http.Request, c code, own []byte) {
	var fields []field
	for _, value := range r.Header.Values("Accept") {
		fields = append(fields, field{name: "Accept", value: value})
	}
	id := requestID(r.Header.Get("X-Request-Id"))
	m := c.meaning()
	body, contentType := own, "text/html; charset=utf-8"
	switch {
	case acceptsJSON(fields):
		body, contentType = failureJSON(m, id), "application/json"
	case own == nil:
		body = failurePage(c, m, id)
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Request-Id", id)
	if c.isH() {
		h.Set("X-Paas-Error", string(c))
	}
	w.WriteHeader(m.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client's loss
	}
}
