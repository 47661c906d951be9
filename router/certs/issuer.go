package certs

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"

	"paas"
)

// issuer orders certificates from the ACME authority. certmagic's own would listen for the challenges itself.
type issuer struct {
	key     string // of the authority, in the names of files
	storage *storage
	email   string
	client  func() *acmez.Client // made when it is needed first: to know all authorities takes memory

	mu      sync.Mutex // held while the account is looked up, once
	account acme.Account
}

// requestTimeout bounds each request to the authority.
const requestTimeout = 30 * time.Second

func newIssuer(m *Manager) *issuer {
	return &issuer{
		key: issuerKey(m.opts.Directory), storage: m.storage, email: m.opts.Email,
		client: sync.OnceValue(func() *acmez.Client { return newClient(m) }),
	}
}

func newClient(m *Manager) *acmez.Client {
	roots := m.opts.Roots
	if roots == nil {
		roots = SystemRoots()
	}
	transport := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
		IdleConnTimeout:   time.Minute,
	}
	context.AfterFunc(m.ctx, transport.CloseIdleConnections)
	return &acmez.Client{
		Client: &acme.Client{
			Directory:  m.opts.Directory,
			HTTPClient: &http.Client{Transport: transport, Timeout: requestTimeout},
			UserAgent:  "paas/" + paas.Version(),
		},
		ChallengeSolvers: map[string]acmez.Solver{
			acme.ChallengeTypeHTTP01:    httpSolver{&m.challenges},
			acme.ChallengeTypeTLSALPN01: tlsSolver{&m.challenges},
		},
	}
}

// issuerKey makes a file's name of the directory's URL.
func issuerKey(directory string) string {
	u, err := url.Parse(directory)
	if err != nil {
		return "acme"
	}
	return strings.ReplaceAll(strings.Trim(u.Host+u.Path, "/"), "/", "-")
}

// IssuerKey implements certmagic.Issuer.
func (i *issuer) IssuerKey() string { return i.key }

// Issue implements certmagic.Issuer.
func (i *issuer) Issue(ctx context.Context, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	chains, err := i.order(ctx, csr)
	var problem acme.Problem
	if errors.As(err, &problem) && problem.Type == acme.ProblemTypeAccountDoesNotExist {
		i.forgetAccount() // the authority was set up anew
		chains, err = i.order(ctx, csr)
	}
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		return nil, errors.New("the authority has sent no certificate")
	}
	return &certmagic.IssuedCertificate{Certificate: chains[0].ChainPEM, Metadata: chains[0]}, nil
}

func (i *issuer) order(ctx context.Context, csr *x509.CertificateRequest) ([]acme.Certificate, error) {
	account, err := i.useAccount(ctx)
	if err != nil {
		return nil, err
	}
	params, err := acmez.OrderParametersFromCSR(account, csr)
	if err != nil {
		return nil, err
	}
	return i.client().ObtainCertificate(ctx, params)
}

// GetRenewalInfo implements certmagic.RenewalInfoGetter.
func (i *issuer) GetRenewalInfo(ctx context.Context, cert certmagic.Certificate) (acme.RenewalInfo, error) {
	return i.client().GetRenewalInfo(ctx, cert.Leaf)
}

// useAccount returns the account, registered unless it is. Where the authority knows the key, it answers with the account
// that there is.
func (i *issuer) useAccount(ctx context.Context) (acme.Account, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.account.Status == acme.StatusValid {
		return i.account, nil
	}
	key, err := i.accountKey(ctx)
	if err != nil {
		return acme.Account{}, fmt.Errorf("read the account's key: %w", err)
	}
	account := acme.Account{PrivateKey: key, TermsOfServiceAgreed: true}
	if i.email != "" {
		account.Contact = []string{"mailto:" + i.email}
	}
	if account, err = i.client().NewAccount(ctx, account); err != nil {
		return acme.Account{}, fmt.Errorf("register an account: %w", err)
	}
	i.account = account
	return account, nil
}

func (i *issuer) forgetAccount() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.account = acme.Account{}
}

// accountKey reads the key, or makes it. It is on disk before it is used.
func (i *issuer) accountKey(ctx context.Context) (crypto.Signer, error) {
	path := "acme/" + i.key + "/account.key"
	text, err := i.storage.Load(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := certmagic.StandardKeyGenerator{KeyType: certmagic.P256}.GenerateKey()
		if err != nil {
			return nil, err
		}
		if text, err = certmagic.PEMEncodePrivateKey(key); err != nil {
			return nil, err
		}
		if err := i.storage.Store(ctx, path, text); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return certmagic.PEMDecodePrivateKey(text)
}
