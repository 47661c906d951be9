package proxy

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"paas/router"
)

// page is plain, quick and without anything to fetch.
var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;color:#222;background:#fff}
small{color:#666}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}small{color:#999}}</style>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
<p><small>{{with .Code}}{{.}} · {{end}}request {{.ID}}</small></p>
</html>
`))

type pageData struct {
	Title, Text, Code, ID string
}

// writeFailure answers a request that no app answers. It sets no cookie and lets nobody cache it; with last the
// connection closes after it.
func writeFailure(w http.ResponseWriter, r *http.Request, c code, id string, last bool) (status int, bytes int64) {
	m := c.meaning()
	body, contentType := failurePage(c, m, id), "text/html; charset=utf-8"
	if acceptsJSON(r.Header) {
		body, contentType = failureJSON(m, id), "application/json"
	}
	h := w.Header()
	clear(h)
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Request-Id", id)
	if c.isH() {
		h.Set("X-Paas-Error", string(c))
	}
	if last {
		h.Set("Connection", "close")
	}
	w.WriteHeader(m.status)
	if r.Method == http.MethodHead {
		return m.status, 0
	}
	n, _ := w.Write(body) // the client may be gone; the log line has the count
	return m.status, int64(n)
}

func failurePage(c code, m meaning, id string) []byte {
	data := pageData{Title: m.title, Text: m.text, ID: id}
	if c.isH() {
		data.Code = string(c)
	}
	var b strings.Builder
	if err := page.Execute(&b, data); err != nil {
		return []byte(m.title)
	}
	return []byte(b.String())
}

func failureJSON(m meaning, id string) []byte {
	var f router.Failure
	f.Error.Code, f.Error.Message, f.Error.Hint, f.Error.ID = m.kind, sentence(m.text), m.hint, id
	body, err := json.Marshal(f)
	if err != nil {
		return []byte(`{"error":{"code":"internal"}}`)
	}
	return append(body, '\n')
}

// sentence gives a page's text the form of an API message: lower case, no full stop.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + strings.TrimSuffix(s[1:], ".")
}

// acceptsJSON says whether the client names JSON, and names it before HTML.
func acceptsJSON(h http.Header) bool {
	for _, accept := range h["Accept"] {
		for item := range strings.SplitSeq(accept, ",") {
			media, _, _ := strings.Cut(item, ";")
			switch media = strings.ToLower(strings.TrimSpace(media)); {
			case media == "text/html":
				return false
			case media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"):
				return true
			}
		}
	}
	return false
}
