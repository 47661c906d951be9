package conformance

import (
	"io"
	"net/http"
	"strings"

	"paas/test/platform"
)

func read(resp *http.Response) platform.Answer {
	body, err := io.ReadAll(resp.Body)
	return platform.Answer{
		Request: resp.Request.Method + " " + resp.Request.URL.String(), Status: resp.StatusCode, Header: resp.Header, Body: string(body), Err: err,
	}
}

// api asks the HTTP API with a token of the admin's.
func (p *proof) api(token, method, path, body string, headers ...string) platform.Answer {
	p.Helper()
	headers = append(headers, "Authorization", "Bearer "+token, "Content-Type", "application/json")
	return p.Request(p, method, p.APIURL()+path, body, headers...)
}

// token makes a token of the HTTP API, revoked with the proof.
func (p *proof) token(name string) string {
	p.Helper()
	secret := strings.TrimSpace(p.Do(p, "paas", "tokens:create", name).Stdout)
	p.Cleanup(func() { p.Do(p, "paas", "tokens:remove", name) })
	return secret
}
