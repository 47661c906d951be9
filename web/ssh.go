package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/gliderlabs/ssh"
	gossh "golang.org/x/crypto/ssh"
)

// SSHOptions of the SSH door.
type SSHOptions struct {
	HostKeyPath string        // made at the first start
	Log         *slog.Logger  // nil: none
	Grace       time.Duration // how long Serve lets sessions finish when its context ends; 0: 10 s
	MaxConns    int           // at once; 0: 512
	Silence     time.Duration // how long a session's client may be silent when asked whether it is there; 0: a minute
}

const (
	defaultMaxConns = 512
	defaultSilence  = time.Minute
	// maxHandshakes bounds connections that have not said who they are; each has handshakeTimeout for it.
	maxHandshakes    = 64
	handshakeTimeout = 30 * time.Second
	maxAuthTries     = 6
	// maxSessions bounds the sessions of one connection.
	maxSessions = 32
	// sshIdleTimeout ends connections without traffic. Sessions keep theirs alive: see keepAlive.
	sshIdleTimeout = 10 * time.Minute
)

// SSH is the SSH door: git, and the HTTP API on a channel. Keys are all it takes, and only to find out who comes.
type SSH struct {
	api      *Server
	log      *slog.Logger
	grace    time.Duration
	maxConns int
	silence  time.Duration
	hostKey  gossh.Signer
	server   *ssh.Server
	gate     *gate
	sessions *tasks

	mu      sync.Mutex
	serving context.Context // what Serve was called with: its end stops the api sessions
	ending  context.Context // its end, after the grace, stops the git sessions too
}

// NewSSH makes the door onto api and its Git service; keys are looked up in its Keys. It makes the host key if there is
// none, and fails on one that it cannot read.
func NewSSH(api *Server, opts SSHOptions) (*SSH, error) {
	key, err := hostKey(opts.HostKeyPath)
	if err != nil {
		return nil, err
	}
	s := &SSH{api: api, log: opts.Log, grace: opts.Grace, maxConns: opts.MaxConns, silence: opts.Silence, hostKey: key, sessions: newTasks()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.grace == 0 {
		s.grace = defaultGrace
	}
	if s.maxConns == 0 {
		s.maxConns = defaultMaxConns
	}
	if s.silence == 0 {
		s.silence = defaultSilence
	}
	s.gate = newGate(s.maxConns, maxHandshakes)
	s.server = &ssh.Server{
		Version: "paas", HostSigners: []ssh.Signer{key}, IdleTimeout: sshIdleTimeout,
		ConnCallback: s.admit, PublicKeyHandler: s.offered, ServerConfigCallback: s.config,
		ConnectionFailedCallback: s.handshakeFailed,
		ChannelHandlers:          map[string]ssh.ChannelHandler{"session": s.session},
		// Forwarding of ports, in either direction, and everything else that a client may ask of a connection.
		RequestHandlers: map[string]ssh.RequestHandler{}, SubsystemHandlers: map[string]ssh.SubsystemHandler{},
	}
	return s, nil
}

// HostKey is the fingerprint of the door's own key, as ssh shows it to whoever connects first.
func (s *SSH) HostKey() string { return gossh.FingerprintSHA256(s.hostKey.PublicKey()) }

// Serve takes connections on l until ctx ends; then no new ones, and those that have sessions get the grace to finish
// them. It may be called once.
func (s *SSH) Serve(ctx context.Context, l net.Listener) error {
	ending, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	s.mu.Lock()
	s.serving, s.ending = ctx, ending
	s.mu.Unlock()

	stop := context.AfterFunc(ctx, func() { _ = l.Close() }) // Accept says so
	defer stop()
	var conns sync.WaitGroup
	err := s.accept(ctx, l, &conns)
	grace, cancel := context.WithTimeout(ending, s.grace)
	defer cancel()
	if waitErr := s.sessions.wait(grace); waitErr != nil {
		s.log.Warn("ssh sessions cut", "error", waitErr)
	}
	end()
	s.gate.closeAll()
	conns.Wait()
	return errors.Join(err, s.sessions.wait(context.WithoutCancel(ctx)))
}

// accept runs a goroutine for each connection; conns waits for them.
func (s *SSH) accept(ctx context.Context, l net.Listener, conns *sync.WaitGroup) error {
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				return conn.Close()
			}
			return nil
		case isTemporary(err):
			s.log.Warn("ssh connection not accepted", "error", err)
			if !pause(ctx, time.Second) {
				return nil
			}
		case err != nil:
			return fmt.Errorf("accept ssh connections: %w", err)
		default:
			conns.Go(func() { s.server.HandleConn(conn) })
		}
	}
}
