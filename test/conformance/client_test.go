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

// request asks any URL; headers are name, value pairs, and Host is the name asked for.
func (p *proof) request(method, url, body string, headers ...string) platform.Answer {
	p.Helper()
	req, err := http.NewRequestWithContext(p.Context(), method, url, strings.NewReader(body))
	p.OK(err)
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	return p.Send(req)
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
