package proxy

import (
	"context"
	"crypto/tls"
	"iter"
	"net"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"paas/router/certs"
)

// setTLS prepares to take TLS, if that is to be.
func (s *Server) setTLS() error {
	if s.opts.HTTPSAddr == "" {
		return nil
	}
	s.live.secure = true
	s.opts.Certs.Hosts, s.opts.Certs.Log = s.live, s.opts.Log
	return certs.CheckDirectory(s.opts.Certs.Directory)
}

// SecureAddr is where requests over TLS are taken; nil: nowhere.
func (s *Server) SecureAddr() net.Addr {
	if s.doors.secure == nil {
		return nil
	}
	return s.doors.secure.Addr()
}

// openTLS lets f take requests over TLS. Certificates are obtained as long as f takes any.
func (s *Server) openTLS(g *errgroup.Group, f *fronts, h *handler) (err error) {
	if f.certs, err = certs.New(s.opts.Certs); err != nil {
		return err
	}
	s.certs.Store(f.certs)
	h.securePort, h.certs = portOf(s.SecureAddr()), f.certs
	g.Go(f.certs.Run)
	l, err := s.doors.secure.open()
	if err != nil {
		f.certs.Stop()
		return err
	}
	f.take(g, tls.NewListener(l, h.tlsConfig()))
	return nil
}

// tlsConfig is that of all connections. Tickets let a client that comes again leave out most of a handshake.
func (h *handler) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1", certs.ChallengeProtocol},
		GetCertificate: h.certificate,
	}
}

// certificate finds the one to show: an own one of the app's before one that is obtained. None and no error refuses the
// handshake, as nobody here knows the name.
func (h *handler) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := hostOf(hello.ServerName)
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == certs.ChallengeProtocol {
		return h.certs.ChallengeCertificate(host), nil
	}
	own := h.live.current.Load().own.find(host, hello)
	if own != nil && time.Now().Before(own.Leaf.NotAfter) {
		return own, nil
	}
	obtained, err := h.certs.Certificate(hello.Context(), host)
	if obtained == nil && own != nil {
		return own, nil // it has expired, which says more to a client than none
	}
	return obtained, err
}

// agree shakes hands on a connection over TLS. It says whether requests follow on it here.
func (c *client) agree() bool {
	conn, ok := c.Conn.(*tls.Conn)
	if !ok {
		return true
	}
	// The context bounds the wait for a certificate, the deadline that for the client.
	limit := c.f.h.timeouts.Header
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if conn.SetDeadline(time.Now().Add(limit)) != nil || conn.HandshakeContext(ctx) != nil {
		c.shut()
		return false
	}
	switch conn.ConnectionState().NegotiatedProtocol {
	case certs.ChallengeProtocol:
		c.shut()
		return false
	case "h2":
		_ = conn.SetDeadline(time.Time{}) // its reader will see
		c.f.http2.hand(conn)
		return false
	}
	_ = conn.SetWriteDeadline(time.Time{})
	return true
}

// isChallenge says whether the request is that of an ACME authority which looks whether the host is ours, and keeps what
// to answer.
func (ex *exchange) isChallenge() bool {
	if ex.h.certs == nil || ex.req.secure {
		return false
	}
	token, ok := strings.CutPrefix(ex.req.target, certs.ChallengePath)
	if ok {
		ex.challenge, ok = ex.h.certs.ChallengeAnswer(ex.host, token)
	}
	return ok
}

// Has implements certs.Hosts: exact hosts of the live table.
func (l *live) Has(host string) bool {
	return l.current.Load().sites[host] != nil && !strings.HasPrefix(host, wildcard)
}

// All implements certs.Hosts.
func (l *live) All() iter.Seq[string] {
	sites := l.current.Load().sites
	return func(yield func(string) bool) {
		for host := range sites {
			if !strings.HasPrefix(host, wildcard) && !yield(host) {
				return
			}
		}
	}
}

// wildcard is what stands for any one label in front of a host.
const wildcard = "*."
