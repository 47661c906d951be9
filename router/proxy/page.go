package proxy

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"

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

// writeFailure answers a request that no app answers. It sets no cookie and lets nobody cache it.
func (ex *exchange) writeFailure(c code) (status int, bytes int64) {
	m := c.meaning()
	body, contentType := ex.failureBody(c, m)
	resp := response{status: m.status, reason: http.StatusText(m.status), length: int64(len(body)), fields: []field{
		{name: "Content-Type", value: contentType}, {name: "Cache-Control", value: "no-store"}, {name: "X-Request-Id", value: ex.id},
	}}
	if c.isH() {
		resp.fields = append(resp.fields, field{name: "X-Paas-Error", value: string(c)})
	}
	if ex.location != "" {
		resp.fields = append(resp.fields, field{name: "Location", value: ex.location})
	}
	ex.front.setWriteDeadline(time.Now().Add(ex.h.timeouts.Idle)) // no backend has the request, so nobody inspects it
	defer ex.front.setWriteDeadline(time.Time{})
	if ex.req.method == http.MethodHead {
		body = nil
	}
	ex.front.begin(&resp, int64(len(body)), ex.mustClose())
	if len(body) > 0 && ex.front.write(body) != nil || ex.front.end(nil) != nil {
		return m.status, 0 // the client is gone
	}
	return m.status, int64(len(body))
}

// failureBody is JSON for a program, the app's own page, or the router's. It is not to be written to.
func (ex *exchange) failureBody(c code, m meaning) (body []byte, contentType string) {
	const html = "text/html; charset=utf-8"
	switch {
	case c == challenged:
		return []byte(ex.challenge), "text/plain"
	case acceptsJSON(ex.req.fields):
		return failureJSON(m, ex.id), "application/json"
	case ex.app != nil:
		if own := ex.app.pages.of(c, m.status); own != nil {
			return own, html
		}
	}
	return failurePage(c, m, ex.id), html
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
func acceptsJSON(fields []field) bool {
	for i := range fields {
		if !strings.EqualFold(fields[i].name, "Accept") {
			continue
		}
		for item := range strings.SplitSeq(fields[i].value, ",") {
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
