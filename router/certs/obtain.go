package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// orderTimeout bounds one attempt to obtain a certificate.
const orderTimeout = 3 * time.Minute

// errAway: what would obtain a certificate ends.
var errAway = errors.New("the router is about to stop")

// Certificate returns that of host, which it obtains where there is none, or only one that has expired. It waits for that
// until ctx ends; the attempt goes on. Nothing without an error means that host cannot have one.
func (m *Manager) Certificate(ctx context.Context, host string) (*tls.Certificate, error) {
	if !m.opts.Hosts.Has(host) {
		return nil, nil //nolint:nilnil // as tls.Config.GetCertificate has it
	}
	if c := m.cached(host); good(c) {
		return c, nil
	}
	if !m.MayHave(host) {
		return nil, nil //nolint:nilnil // likewise
	}
	c, err := m.load(host)
	if good(c) {
		return c, nil
	}
	if m.ctx.Err() != nil {
		return c, errAway
	}
	if last, wait := m.failures.waiting(host); wait && c == nil {
		return nil, last
	} else if wait {
		return c, nil // says more to a client than none
	}
	select {
	case <-m.obtain(host, err):
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.ctx.Done():
		return nil, errAway
	}
	if c := m.cached(host); c != nil {
		return c, nil
	}
	last, _ := m.failures.waiting(host)
	return nil, last
}

func good(c *tls.Certificate) bool { return c != nil && time.Now().Before(c.Leaf.NotAfter) }

// MayHave says whether the authority can be asked for a certificate of host: one that other people's names look like, if
// it is the public one.
func (m *Manager) MayHave(host string) bool {
	if !m.opts.Hosts.Has(host) {
		return false
	}
	return m.opts.Directory != DefaultDirectory || Public(host)
}

// Public says whether a public authority may know host at all.
func Public(host string) bool {
	return strings.IndexByte(host, '.') > 0 && certmagic.SubjectQualifiesForPublicCert(host) && !certmagic.SubjectIsIP(host)
}

// obtain begins an attempt unless one is under way. The channel closes when that has ended.
func (m *Manager) obtain(host string, loading error) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if done := m.underway[host]; done != nil {
		return done
	}
	done := make(chan struct{})
	if m.ctx.Err() != nil {
		close(done)
		return done
	}
	m.underway[host] = done
	m.all.Go(func() {
		defer func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.underway, host)
			close(done)
		}()
		before, _ := m.failures.last(host)
		err := m.attempt(host, loading)
		if after, _ := m.failures.last(host); err != nil && m.ctx.Err() == nil && after == before {
			m.fail(host, err) // before there was an order
		}
	})
	return done
}

// attempt obtains the certificate of host, or renews it where that in store has expired; loading is what was wrong with
// it.
func (m *Manager) attempt(host string, loading error) error {
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-m.ctx.Done():
		return m.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(m.ctx, orderTimeout)
	defer cancel()
	if loading != nil && !errors.Is(loading, fs.ErrNotExist) { // it would pass for one that is there
		m.opts.Log.Warn("a stored certificate cannot be used, another is obtained", "host", host, "error", loading)
		if err := m.storage.Delete(ctx, certmagic.StorageKeys.CertsSitePrefix(m.issuer.key, host)); err != nil {
			return err
		}
	}
	if err := m.config.RenewCertSync(ctx, host, false); err != nil { // it obtains one where there is none
		return err
	}
	_, err := m.load(host)
	return err
}

// fail keeps what was wrong, for as long as another attempt has to wait.
func (m *Manager) fail(host string, err error) {
	text := reason(err)
	next := m.failures.add(host, text, rateLimited(err))
	m.opts.Log.Warn("no certificate obtained", "host", host, "error", text, "next_try", next.Format(time.RFC3339))
}

func rateLimited(err error) bool {
	var problem acme.Problem
	return errors.As(err, &problem) && problem.Type == acme.ProblemTypeRateLimited
}

// reason is what a person reads of err: the authority's own words where it spoke.
func reason(err error) string {
	var problem acme.Problem
	if !errors.As(err, &problem) {
		return err.Error()
	}
	text := strings.TrimPrefix(problem.Type, acme.ProblemTypeNamespace)
	if problem.Detail != "" {
		text += ": " + problem.Detail
	}
	for _, sub := range problem.Subproblems {
		if sub.Detail != "" {
			text += "; " + sub.Detail
		}
	}
	return text
}

// HostsChanged forgets what was wrong with hosts that are no more: one that comes again is tried again at once.
func (m *Manager) HostsChanged() { m.failures.prune() }

// Underway is how many hosts' certificates are being obtained.
func (m *Manager) Underway() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.underway)
}
