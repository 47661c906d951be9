// Package certs obtains the data plane's certificates from an ACME authority, keeps and renews them.
//
// A certificate is asked for when somebody first wants to speak TLS to a host, and only for hosts that the caller says are
// its own. The challenges are answered by whoever has the listeners (ChallengeAnswer, ChallengeCertificate); the package
// opens none. It knows nothing of routes, apps and certificates that users bring.
package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"paas"
)

// DefaultDirectory is Let's Encrypt's.
const DefaultDirectory = "https://acme-v02.api.letsencrypt.org/directory"

// Hosts are those that may have certificates.
type Hosts interface {
	// Has says whether host is one of them. It is asked at every handshake.
	Has(host string) bool
	// All lists them.
	All() iter.Seq[string]
}

// Options are a manager's settings. Dir and Hosts must be given.
type Options struct {
	Dir       string // made when missing; for certificates, keys and the account
	Hosts     Hosts
	Directory string         // of the ACME authority; default DefaultDirectory
	Email     string         // for the account; may be empty
	Roots     *x509.CertPool // that the authority's own certificate is checked by; default the system's
	Log       *slog.Logger   // default none
	// RenewEvery is how often it is looked for certificates to renew; default 10 min. They are renewed when a third of
	// their time is left, or when the authority says so.
	RenewEvery time.Duration
}

// Manager has the certificates. Run must be running for it to obtain any.
type Manager struct {
	opts       Options
	cache      *certmagic.Cache
	config     *certmagic.Config
	storage    *storage
	issuer     *issuer
	challenges challenges
	failures   *failures

	ctx      context.Context // of what obtains; ends with Stop
	stop     context.CancelFunc
	slots    chan struct{} // one for each order under way
	mu       sync.Mutex
	underway map[string]chan struct{} // by host; closed when the attempt has ended
	all      sync.WaitGroup
}

// maxOrders is how many certificates are asked for at one time.
const maxOrders = 4

// New returns a manager of the certificates in Options.Dir. It reads none of them yet, however many there are.
func New(opts Options) (*Manager, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Directory == "" {
		opts.Directory = DefaultDirectory
	}
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of certificates: %w", err)
	}
	failures, err := loadFailures(opts.Dir, opts.Hosts.Has)
	if err != nil {
		opts.Log.Warn("what was wrong with certificates is forgotten", "error", err)
	}
	m := &Manager{
		opts: opts, storage: newStorage(opts.Dir), failures: failures,
		slots: make(chan struct{}, maxOrders), underway: map[string]chan struct{}{},
	}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.issuer = newIssuer(m)
	silent := zap.NewNop() // what it would say is in its events and errors
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return m.config, nil },
		RenewCheckInterval: opts.RenewEvery,
		Logger:             silent,
	})
	m.config = certmagic.New(m.cache, certmagic.Config{
		Storage: m.storage,
		Issuers: []certmagic.Issuer{m.issuer},
		OnEvent: m.onEvent,
		Logger:  silent,
		// Few authorities answer OCSP any more; what is revoked is told by the renewal information.
		OCSP: certmagic.OCSPConfig{DisableStapling: true},
	})
	return m, nil
}

// CheckDirectory refuses what is no URL of an ACME authority.
func CheckDirectory(directory string) error {
	if directory == "" {
		return nil // the default
	}
	u, err := url.Parse(directory)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return paas.Errorf(paas.Invalid, "%s is not the URL of an ACME directory", paas.Quote(directory)).
			WithHint("give one such as " + DefaultDirectory)
	}
	return nil
}

// housekeeping is how often certificates that nobody asked for are looked up, so that they are renewed all the same.
const housekeeping = time.Hour

// Run keeps the certificates until Stop, and then waits for what is under way, which that ends.
func (m *Manager) Run() error {
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	for {
		m.loadAll(m.ctx)
		select {
		case <-tick.C:
		case <-m.ctx.Done():
			m.mu.Lock() // whoever was about to begin has begun
			m.mu.Unlock()
			m.all.Wait()
			m.cache.Stop()
			return nil
		}
	}
}

// Stop ends what obtains certificates and whoever waits for one.
func (m *Manager) Stop() { m.stop() }

// loadAll takes the stored certificates of all hosts into the cache, from where they are renewed, and removes from the
// disk what has long been expired.
func (m *Manager) loadAll(ctx context.Context) {
	for host := range m.opts.Hosts.All() {
		if ctx.Err() != nil {
			return
		}
		if m.cached(host) == nil {
			if _, err := m.load(host); err != nil && !errors.Is(err, os.ErrNotExist) {
				m.opts.Log.Warn("a stored certificate cannot be used", "host", host, "error", err)
			}
		}
	}
	err := certmagic.CleanStorage(ctx, m.storage, certmagic.CleanStorageOptions{
		Logger: zap.NewNop(), Interval: 24 * time.Hour, ExpiredCerts: true, ExpiredCertGracePeriod: 30 * 24 * time.Hour,
	})
	if err != nil && ctx.Err() == nil {
		m.opts.Log.Warn("expired certificates are not cleared", "error", err)
	}
}

// cached is the certificate of host that is in memory: one that is still good before any other; nil if there is none.
func (m *Manager) cached(host string) *tls.Certificate {
	var best *tls.Certificate
	for _, c := range m.cache.AllMatchingCertificates(host) {
		if best == nil || c.Leaf.NotAfter.After(best.Leaf.NotAfter) {
			best = &c.Certificate
		}
	}
	return best
}

// load takes the stored certificate of host into memory. It fails with os.ErrNotExist where there is none.
func (m *Manager) load(host string) (*tls.Certificate, error) {
	c, err := m.config.CacheManagedCertificate(m.ctx, host)
	if err != nil {
		return nil, err
	}
	return &c.Certificate, nil
}

// onEvent hears of what certmagic does, renewals above all.
func (m *Manager) onEvent(_ context.Context, event string, data map[string]any) error {
	host, _ := data["identifier"].(string)
	renewal, _ := data["renewal"].(bool)
	switch event {
	case "cert_obtaining":
		if renewal && !m.opts.Hosts.Has(host) {
			m.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: host}})
			return errors.New("the host has no route any more")
		}
		if last, wait := m.failures.waiting(host); wait {
			return last // certmagic's own pauses are shorter
		}
	case "cert_obtained":
		m.failures.clear(host)
		m.opts.Log.Info("certificate obtained", "host", host, "renewal", renewal)
	case "cert_failed":
		if err, ok := data["error"].(error); ok && m.ctx.Err() == nil {
			m.fail(host, err)
		}
	}
	return nil
}
