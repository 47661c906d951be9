package proxy

import (
	"crypto/tls"
	"fmt"
	"strings"

	"paas"
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

// loadedCerts are the certificates that a table names, by file, and why others cannot be used.
type loadedCerts struct {
	good map[string]*tls.Certificate
	bad  map[string]error
}

// readCerts reads those that are not known from before. It is called without the lock, as it waits for the disk.
func (l *live) readCerts(t router.Table) loadedCerts {
	read := loadedCerts{map[string]*tls.Certificate{}, map[string]error{}}
	if !l.secure {
		return read
	}
	l.mu.Lock()
	known := l.certs
	l.mu.Unlock()
	for _, r := range t.Routes {
		for _, name := range r.Certificates {
			c, err := known[name], error(nil)
			if c == nil {
				c, err = l.readCert(name)
			}
			if err != nil {
				read.bad[name] = err
			} else {
				read.good[name] = c
			}
		}
	}
	return read
}

func (l *live) readCert(name string) (*tls.Certificate, error) {
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

// of finds those of a route for its hosts.
func (read loadedCerts) of(r paas.Route, own ownCerts) (problems []router.Problem) {
	for _, name := range r.Certificates {
		if err := read.bad[name]; err != nil {
			problems = append(problems, router.Problem{App: r.App, Text: fmt.Sprintf("a certificate cannot be used: %v", err)})
		}
		c := read.good[name]
		if c == nil {
			continue
		}
		for _, domain := range r.Hosts {
			host, _ := router.SplitDomain(domain)
			if covers(c, host) {
				own[host] = append(own[host], c)
			}
		}
	}
	return problems
}

// covers says whether a certificate is good for a host or a wildcard; the label stands for any.
func covers(c *tls.Certificate, host string) bool {
	return c.Leaf.VerifyHostname(strings.Replace(host, wildcard, "any-label.", 1)) == nil
}
