package proxy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// pageCodes are the codes that Pages answers: what can stand for an app without backends, and an unknown host.
var pageCodes = []code{crashed, noInstance, booting, maintenance, nothing, unknown}

// Pages answers as the router does for hosts that no app has and for apps that nothing serves, for another data plane to
// lead such requests to. The first segment of the path is the code.
func Pages() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		c := code(first)
		if !slices.Contains(pageCodes, c) {
			c = unknown
		}
		writePage(w, r, c)
	})
}

func writePage(w http.ResponseWriter, r *http.Request, c code) {
	var fields []field
	for _, value := range r.Header.Values("Accept") {
		fields = append(fields, field{name: "Accept", value: value})
	}
	id := requestID(r.Header.Get("X-Request-Id"))
	m := c.meaning()
	body, contentType := failurePage(c, m, id), "text/html; charset=utf-8"
	if acceptsJSON(fields) {
		body, contentType = failureJSON(m, id), "application/json"
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
