package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"paas"
	"paas/router"
)

// Server is the data plane of one host.
type Server struct {
	opts    Options
	started time.Time
	live    *live
	ring    *ring
	reader  reader
	front   net.Listener
	control *controlSocket
}

// New loads the table of Options.Dir and binds the listeners: an address that is taken, or another router on the same
// directory, is an error here. A table that does not decode is reported to the log; the one before it is used.
func New(opts Options) (*Server, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.HTTPAddr == "" {
		return nil, paas.Errorf(paas.Invalid, "the router has no address to listen on").WithHint("paasd router --http-addr :80")
	}
	opts.Timeouts = opts.Timeouts.withDefaults()
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the router's directory: %w", err)
	}
	s := &Server{opts: opts, started: time.Now(), live: newLive(opts.Timeouts, router.FilesIn(opts.Dir)), ring: newRing(ringLines, ringBytes)}
	if err := s.load(); err != nil {
		return nil, err
	}
	control, err := listenControl(opts.Dir)
	if err != nil {
		return nil, err
	}
	front, err := net.Listen("tcp", opts.HTTPAddr)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for requests on %s: %w", opts.HTTPAddr, err), control.Close(), control.release())
	}
	s.control, s.front = control, front
	return s, nil
}

func (s *Server) load() error {
	t, bad, err := router.Load(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("load the routing table: %w", err)
	}
	if bad != nil {
		s.opts.Log.Error("routing table is damaged, the previous one is used", "error", bad, "version", t.Version)
	}
	for _, p := range s.live.swap(t) {
		s.opts.Log.Error("part of a route cannot go live", "app", p.App, "problem", p.Text)
	}
	return nil
}

// Addr is where requests are taken.
func (s *Server) Addr() net.Addr { return s.front.Addr() }

// Run serves until ctx ends; then it takes no new connection, lets requests in flight finish for Timeouts.Drain, cuts
// the rest and returns nil. It must be called once; it closes what New opened.
func (s *Server) Run(ctx context.Context) error {
	h := newHandler(s.opts, s.live, s.ring, s.Addr())
	handed := newHanded(s.Addr())
	f := fronts{listener: s.front, http1: newHTTP1(h, handed), http2: s.http2Server(h)}
	control, done := s.controlServer(), make(chan struct{})
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.http1.serve(s.front) })
	g.Go(func() error { return serve(f.http2, handed, "requests of HTTP/2") })
	g.Go(func() error { return serve(control, s.control, "the control socket") })
	g.Go(func() error { s.live.watch(done, s.opts.Timeouts.precision()); return nil })
	g.Go(func() error {
		<-gctx.Done()
		defer close(done)
		return s.stop(context.WithoutCancel(gctx), f, control)
	})
	s.opts.Log.Info("router is up", "addr", s.Addr().String(), "version", s.live.version())
	return g.Wait()
}

func serve(srv *http.Server, l net.Listener, what string) error {
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", what, err)
	}
	return nil
}

// stop lets requests end while the control socket still answers, then cuts everything.
func (s *Server) stop(ctx context.Context, f fronts, control *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeouts.Drain)
	defer cancel()
	late, err := f.shutdown(ctx)
	cut := s.live.drainAll(ctx)
	if late { // what is left has no backend any more
		err = errors.Join(err, f.close())
	}
	s.opts.Log.Info("router is down", "cut", cut)
	s.ring.close()
	return errors.Join(err, stopControl(ctx, control), s.control.release())
}

// fronts are what takes requests.
type fronts struct {
	listener net.Listener
	http1    *http1
	http2    *http.Server
}

// shutdown takes no new connection and lets requests finish until ctx ends. late says that there are more.
func (f fronts) shutdown(ctx context.Context) (late bool, err error) {
	err = f.listener.Close()
	second := make(chan error, 1)
	go func() { second <- f.http2.Shutdown(ctx) }()
	first := f.http1.shutdown(ctx)
	return errors.Join(first, <-second) != nil, err
}

func (f fronts) close() error {
	f.http1.close()
	return f.http2.Close()
}

// flushTime is what the log's reader has to take the last lines.
const flushTime = time.Second

func stopControl(ctx context.Context, control *http.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	if control.Shutdown(ctx) == nil {
		return nil
	}
	return control.Close()
}

func (s *Server) http2Server(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:                      h,
		Protocols:                    protocols,
		ReadHeaderTimeout:            s.opts.Timeouts.Header,
		IdleTimeout:                  s.opts.Timeouts.Idle,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true, // OPTIONS * is the app's to answer
		ErrorLog:                     slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelDebug),
	}
}
