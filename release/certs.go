package release

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"paas"
)

// Certificates tells how it stands with TLS at app's hosts: its own certificates first, then, for each host that these do
// not cover, the one that the router obtains.
func (e *Engine) Certificates(ctx context.Context, app string) ([]paas.Certificate, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	hosts, err := e.hosts(record)
	if err != nil {
		return nil, err
	}
	own, err := e.Store.Certificates(record.ID)
	if err != nil {
		return nil, err
	}
	obtained, err := e.Router.Certificates(ctx, record.ID)
	if err != nil {
		return nil, err
	}
	list := []paas.Certificate{}
	for _, c := range own {
		list = append(list, c.Info(e.Now()))
	}
	for _, domain := range hosts {
		host, _, _ := strings.Cut(domain, "/")
		covered := slices.ContainsFunc(own, func(c paas.OwnCertificate) bool { return c.Covers(host) && e.Now().Before(c.Expires) })
		if covered || slices.ContainsFunc(list, func(c paas.Certificate) bool { return c.Source != paas.CertificateOwn && c.Name == host }) {
			continue
		}
		c := paas.Certificate{Name: host, Names: []string{host}, State: paas.CertificateNone}
		if obtained == nil {
			c.State = paas.CertificateOff
		}
		if i := slices.IndexFunc(obtained, func(c paas.Certificate) bool { return c.Name == host }); i >= 0 {
			c = obtained[i]
		}
		list = append(list, c)
	}
	return list, nil
}

// AddCertificate takes an own certificate for app: a chain and its key in PEM. It takes the place of the one with the same
// first name. It returns once the router shows it.
func (e *Engine) AddCertificate(ctx context.Context, app string, chain, key []byte) (paas.Certificate, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.Certificate{}, err
	}
	c, err := paas.ReadCertificate(chain, key, e.Now())
	if err != nil {
		return paas.Certificate{}, err
	}
	hosts, err := e.hosts(record)
	if err != nil {
		return paas.Certificate{}, err
	}
	covers := func(domain string) bool {
		host, _, _ := strings.Cut(domain, "/")
		return c.Covers(host)
	}
	if !slices.ContainsFunc(hosts, covers) {
		return paas.Certificate{}, paas.Errorf(paas.Invalid, "the certificate is for %s, and %s has no such host", strings.Join(c.Names, ", "), app).
			WithHint("paas domains:add %s -a %s", c.Name(), app)
	}
	if err := e.Store.AddCertificate(record.ID, c); err != nil {
		return paas.Certificate{}, err
	}
	return c.Info(e.Now()), e.changedCertificate(ctx, record.ID, c, paas.EventCertAdded, "Certificate for %s added by %s")
}

// RemoveCertificate takes away an own certificate of app.
func (e *Engine) RemoveCertificate(ctx context.Context, app, name string) (paas.Certificate, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.Certificate{}, err
	}
	c, err := e.Store.RemoveCertificate(record.ID, strings.ToLower(name))
	if err != nil {
		return paas.Certificate{}, err
	}
	return c.Info(e.Now()), e.changedCertificate(ctx, record.ID, c, paas.EventCertRemoved, "Certificate for %s removed by %s")
}

func (e *Engine) changedCertificate(ctx context.Context, id string, c paas.OwnCertificate, kind paas.EventKind, text string) error {
	user := paas.UserOf(ctx)
	e.event(paas.Event{App: id, Kind: kind, User: user, Text: fmt.Sprintf(text, strings.Join(c.Names, ", "), user)})
	return e.reroute(ctx, id)
}

// certificateFiles are the names of app's own certificates as files of its route.
func (e *Engine) certificateFiles(app string) ([]string, error) {
	own, err := e.Store.Certificates(app)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, c := range own {
		names = append(names, paas.FileName(c.PEM))
	}
	return names, nil
}
