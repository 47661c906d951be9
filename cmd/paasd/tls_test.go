package main

import "testing"

func TestTLSGoesByTheDomain(t *testing.T) {
	for _, c := range []struct {
		https, domain, directory, router string

		addr, url string
	}{
		{"auto", "localhost", "", "embedded", "", "http://a.localhost/"},
		{"auto", "apps.example.com", "", "embedded", ":443", "https://a.apps.example.com/"},
		{"auto", "apps.example.com", "", "none", "", "http://a.apps.example.com/"},
		{"", "apps.example.com", "", "embedded", "", "http://a.apps.example.com/"},
		{":8443", "apps.example.com", "", "embedded", ":8443", "https://a.apps.example.com:8443/"},
		{":8443", "localhost", "", "embedded", ":8443", "http://a.localhost/"},
		{":8443", "localhost", "https://127.0.0.1:1/dir", "embedded", ":8443", "https://a.localhost:8443/"},
		{":8443", "corp.internal", "", "embedded", ":8443", "http://a.corp.internal/"},
	} {
		o := options{httpAddr: ":80", sshAddr: ":2222", httpsAddr: c.https, domain: c.domain, router: c.router, subnetPool: "10.83.0.0/16", maxRuns: 1, builds: buildOptions{timeout: 1, network: "default"}}
		o.acme.directory = c.directory
		if c.directory == "" {
			o.acme.directory = "https://acme-v02.api.letsencrypt.org/directory"
		}
		s, err := o.check()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.appURL("a." + c.domain); s.httpsAddr != c.addr || got != c.url {
			t.Errorf("%+v: got %q, %s", c, s.httpsAddr, got)
		}
	}
}
