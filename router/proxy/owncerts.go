package proxy

import (
	"crypto/tls"
	"fmt"
	"strings"

	"paas/router"
)

// ownCerts are those that users brought, by the hosts of their apps that they cover.
type ownCerts map[string][]*tls.Certificate

// find returns one for host that the client can use: the one that lasts longest.
func (o ownCerts) find(host string, hello *tls.ClientHelloInfo) *tls.Certificate {
	found := o[host]
	if dot := strings.IndexByte(host, '.'); len(found) == 0 && dot > 0 {
		found = o["*"+host[dot:]]
	}
	var best *tls.Certificate
	for _, c := range found {
		if (best == nil || c.Leaf.NotAfter.After(best.Leaf.NotAfter)) && hello.SupportsCertificate(c) == nil {
			best = c
		}
	}
	return best
}

// loadCerts, called with changing, reads the own certificates of a table's routes.
func (l *live) loadCerts(t router.Table, problems []router.Problem) (ownCerts, []router.Problem) {
	own, known := ownCerts{}, l.certs
	l.certs = map[string]*tls.Certificate{}
	for _, r := range t.Routes {
		for _, name := range r.Certificates {
			c, err := known[name], error(nil)
			if c == nil {
				c, err = l.loadCert(name)
			}
			if err != nil {
				problems = append(problems, router.Problem{App: r.App, Text: fmt.Sprintf("a certificate cannot be used: %v", err)})
				continue
			}
			l.certs[name] = c
			for _, domain := range r.Hosts {
				host, _ := router.SplitDomain(domain)
				if covers(c, host) {
					own[host] = append(own[host], c)
				}
			}
		}
	}
	return own, problems
}

func (l *live) loadCert(name string) (*tls.Certificate, error) {
	text, err := l.files.Get(name)
	if err != nil {
		return nil, err
	}
	c, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// covers says whether a certificate is good for a host or a wildcard; the label stands for any.
func covers(c *tls.Certificate, host string) bool {
	return c.Leaf.VerifyHostname(strings.Replace(host, wildcard, "any-label.", 1)) == nil
}
