package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// Services is what the API opens onto. All are needed.
type Services struct {
	Apps          Apps
	Configs       Configs
	Checks        Checks
	Releases      Releases
	Events        Events
	Processes     Processes
	Runs          Runs
	Builds        Builds
	BuildSettings BuildSettings
	Domains       Domains
	Certs         Certs
	Routing       Routing
	Routes        Routes
	Pages         Pages
	Metrics       http.Handler // of a scrape by Prometheus
	Garbage       Garbage
	Logs          Logs
	Keys          Keys
	Registries    Registries
	Tokens        Tokens
	Git           Git
}

// Options of the API.
type Options struct {
	Version string        // what /v1/version says
	Log     *slog.Logger  // nil: none
	Grace   time.Duration // how long Serve lets requests finish when its context ends; 0: 10 s
	Now     func() time.Time
}

// Limits of every HTTP connection. There is no timeout on a whole request: a deploy takes as long as it takes.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	defaultGrace  = 10 * time.Second
)

// Server is the HTTP API. Its methods may be called from several goroutines, one for each listener.
type Server struct {
	Services
	version  string
	log      *slog.Logger
	grace    time.Duration
	now      func() time.Time
	echo     *echo.Echo
	inFlight *tasks
}

// NewServer makes the API; Serve opens it.
func NewServer(services Services, opts Options) *Server {
	s := &Server{Services: services, version: opts.Version, log: opts.Log, grace: opts.Grace, now: opts.Now, inFlight: newTasks()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.grace == 0 {
		s.grace = defaultGrace
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.echo = echo.New()
	s.echo.HTTPErrorHandler = s.renderError
	// A reverse proxy on this machine, such as the router for paasd's own host, says whom it speaks for; nobody else may.
	s.echo.IPExtractor = echo.ExtractIPFromXFFHeader(echo.TrustLinkLocal(false), echo.TrustPrivateNet(false))
	s.echo.Use(s.trackRequests, s.requestID, s.logRequests, s.recoverPanics, timeLimits, s.authenticate, checkParams)
	s.routes(s.echo)
	return s
}

// ServeTCP serves clients that say with a bearer token who they are. It returns when ctx ends, after the requests in
// flight have or the grace is over, or when l fails.
func (s *Server) ServeTCP(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, func(net.Conn) visitor { return visitor{door: doorTCP} })
}

// ServeUnix serves clients that are admins by being able to open the socket, which must be 0600: see ListenUnix.
// It returns as ServeTCP does.
func (s *Server) ServeUnix(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, func(conn net.Conn) visitor { return visitor{door: doorUnix, user: s.peerName(conn)} })
}

// ServeConn serves one connection whose client is known to be user, at an address. It returns when the connection is over, or as
// ServeTCP does. A request that goes on without its client is not waited for: see Wait.
func (s *Server) ServeConn(ctx context.Context, conn net.Conn, user, addr string) error {
	err := s.serve(ctx, newSingle(conn), func(net.Conn) visitor { return visitor{door: doorSSH, user: user, addr: addr} })
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Wait returns when no request is being worked on, those whose client has gone included, or with ctx's error.
func (s *Server) Wait(ctx context.Context) error { return s.inFlight.wait(ctx) }

func (s *Server) serve(ctx context.Context, l net.Listener, admit func(net.Conn) visitor) error {
	hs := &http.Server{
		Handler: s.echo, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context { return withVisitor(ctx, admit(conn)) },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(l) }()
	select {
	case err := <-served:
		return errors.Join(err, hs.Close())
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
	defer cancel()
	err := hs.Shutdown(grace)
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("finish requests in flight: %w", err), hs.Close())
	}
	return nil
}
