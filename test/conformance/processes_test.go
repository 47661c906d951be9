package conformance

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"paas/test/platform"
)

func TestVI1NoStickySessions(t *testing.T) {
	both(t, "VI-1", "200 requests with cookies at web=4: all four serve, the router sets no cookie", func(p *proof) {
		a := p.deployed(platform.Fixture{})
		a.Do("paas", "scale", "web=4")
		jar, err := cookiejar.New(nil)
		p.OK(err)
		client := &http.Client{Transport: p.Client().Transport, Jar: jar, Timeout: platform.Patience}
		served := map[string]int{}
		for range 200 {
			req, err := http.NewRequestWithContext(p.Context(), http.MethodGet, a.URL("/"), http.NoBody)
			p.OK(err)
			req.AddCookie(&http.Cookie{Name: "session", Value: "same"})
			resp, err := client.Do(req)
			p.OK(err)
			answer := read(resp)
			resp.Body.Close()
			answer.Must(p, http.StatusOK)
			if cookie := answer.Header.Values("Set-Cookie"); len(cookie) > 0 {
				p.Fatalf("the router sets a cookie: %q", cookie)
			}
			served[strings.Fields(answer.Body)[0]]++
		}
		if len(served) != 4 {
			p.Errorf("not all four served: %v", served)
		}
	})
}

func TestVI2FilesAreNotShared(t *testing.T) {
	p := prove(t, "VI-2", "what is written on web.1 is not there on web.2")
	a := p.deployed(platform.Fixture{})
	a.Do("paas", "scale", "web=2")
	a.Direct("web.1", http.MethodPost, "/write?path=/note", "of web.1").Must(p, http.StatusOK)
	a.Direct("web.1", http.MethodGet, "/read?path=/note", "").Must(p, http.StatusOK, "of web.1")
	a.Direct("web.2", http.MethodGet, "/read?path=/note", "").Must(p, http.StatusBadRequest, "no such file")
}

func TestVI3EachStartHasAFreshFileSystem(t *testing.T) {
	p := prove(t, "VI-3", "restart, crash, deploy, config change: a fresh file system each time")
	a := p.deployed(platform.Fixture{})
	for _, change := range []struct {
		how string
		do  func()
	}{
		{"restart", func() { a.Do("paas", "restart") }},
		{"crash", func() { a.Get("/crash") }},
		{"config change", func() { a.Do("paas", "config:set", "A=1") }},
		{"deploy", func() {
			a.Commit("Again")
			a.Push()
		}},
	} {
		old := a.Container("web.1")
		a.Get("/read?path=/note").Must(p, http.StatusBadRequest, "no such file")
		p.Request(p, http.MethodPost, a.URL("/write?path=/note"), "was here").Must(p, http.StatusOK)
		change.do()
		a.Replaced(old)
		platform.WaitFor(p, platform.Patience, "an answer after "+change.how, func() error {
			answer := a.Get("/read?path=/note")
			if answer.Status == http.StatusOK {
				p.Fatalf("the file is there after %s", change.how)
			}
			if answer.Status != http.StatusBadRequest {
				return errors.New(answer.Body)
			}
			return nil
		})
	}
}
