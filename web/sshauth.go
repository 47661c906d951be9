package web

import (
	"errors"
	"net"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"

	"paas"
)

// gateKey finds a connection's gatedConn in the context that gliderlabs/ssh keeps of it.
type gateKey struct{}

// Extensions of the permissions of a connection, set from the key that signed.
const (
	permUser        = "paas-user"
	permFingerprint = "paas-fingerprint"
)

// admit is the first thing that a connection meets.
func (s *SSH) admit(ctx ssh.Context, conn net.Conn) net.Conn {
	c := s.gate.enter(conn, handshakeTimeout)
	if c == nil {
		s.log.Warn("ssh connection refused: too many", "from", conn.RemoteAddr())
		return nil
	}
	ctx.SetValue(gateKey{}, c)
	return c
}

// config makes identity a matter of the signature: a client may offer any public keys, and gliderlabs/ssh remembers the
// last one offered; only verified sees the one whose private half the client has shown to hold.
func (s *SSH) config(ctx ssh.Context) *gossh.ServerConfig {
	return &gossh.ServerConfig{
		MaxAuthTries: maxAuthTries,
		PublicKeyAuthAlgorithms: []string{
			gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoSKECDSA256, gossh.KeyAlgoECDSA256,
			gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521, gossh.KeyAlgoRSASHA256, gossh.KeyAlgoRSASHA512,
		},
		VerifiedPublicKeyCallback: func(_ gossh.ConnMetadata, key gossh.PublicKey, _ *gossh.Permissions, _ string) (*gossh.Permissions, error) {
			return s.verified(ctx, key)
		},
	}
}

// offered says whether a signature of this key would be taken. It decides nothing else.
func (s *SSH) offered(ctx ssh.Context, key ssh.PublicKey) bool {
	_, err := s.keyOf(key)
	switch {
	case err == nil:
		return true
	case paas.CodeOf(err) == paas.NotFound:
		s.log.Info("unknown ssh key", "fingerprint", gossh.FingerprintSHA256(key), "type", key.Type(), "from", ctx.RemoteAddr())
	case paas.CodeOf(err) == paas.Invalid:
		s.log.Info("ssh key refused", "fingerprint", gossh.FingerprintSHA256(key), "type", key.Type(), "from", ctx.RemoteAddr(), "reason", err)
	default:
		s.log.Error("ssh key not looked up", "error", err)
	}
	return false
}

func (s *SSH) keyOf(key gossh.PublicKey) (paas.Key, error) {
	if err := acceptable(key); err != nil {
		return paas.Key{}, err
	}
	return s.api.Keys.KeyByFingerprint(gossh.FingerprintSHA256(key))
}

// verified makes the connection its key's: the client has signed with it.
func (s *SSH) verified(ctx ssh.Context, key gossh.PublicKey) (*gossh.Permissions, error) {
	k, err := s.keyOf(key)
	if err != nil {
		return nil, err
	}
	if c, ok := ctx.Value(gateKey{}).(*gatedConn); ok {
		c.known()
	}
	return &gossh.Permissions{Extensions: map[string]string{permUser: k.Name, permFingerprint: k.Fingerprint}}, nil
}

// errNobody should never be seen: it would mean a session without authentication.
var errNobody = errors.New("the connection has no identity")

// userOf is who a session is for. The key is looked up once more: one that has been removed opens nothing, not even
// over a connection that it opened.
func (s *SSH) userOf(conn *gossh.ServerConn) (string, error) {
	if conn.Permissions == nil || conn.Permissions.Extensions[permUser] == "" {
		return "", errNobody
	}
	k, err := s.api.Keys.KeyByFingerprint(conn.Permissions.Extensions[permFingerprint])
	if paas.CodeOf(err) == paas.NotFound {
		return "", paas.Errorf(paas.Unauthorized, "your key has been removed")
	}
	return k.Name, err
}

func (s *SSH) handshakeFailed(conn net.Conn, err error) {
	s.log.Debug("ssh handshake failed", "from", conn.RemoteAddr(), "error", err)
}
