package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"golang.org/x/sync/errgroup"

	"paas/router/certs"
)

// fronts are what takes requests, from the moment the doors are opened until they are handed over or closed.
type fronts struct {
	listeners []net.Listener
	certs     *certs.Manager // nil: none of them is for TLS
	http1     *http1
	http2     *http.Server
	accepting sync.WaitGroup
}

// openFronts takes requests; what ends that against anybody's will is g's error.
func (s *Server) openFronts(g *errgroup.Group) (*fronts, error) {
	l, err := s.doors.front.open()
	if err != nil {
		return nil, err
	}
	h := newHandler(s.opts, s.live, s.ring, s.Addr())
	handed := newHanded(s.Addr())
	f := &fronts{http1: newHTTP1(h, handed), http2: s.http2Server(h)}
	if s.doors.secure != nil {
		if err := s.openTLS(g, f, h); err != nil {
			return nil, err
		}
	}
	f.take(g, l)
	g.Go(func() error { return serve(f.http2, handed, "requests of HTTP/2") })
	return f, nil
}

// take accepts what comes to l.
func (f *fronts) take(g *errgroup.Group, l net.Listener) {
	f.listeners = append(f.listeners, l)
	f.accepting.Add(1)
	g.Go(func() error {
		defer f.accepting.Done()
		return f.http1.serve(l)
	})
}

func serve(srv *http.Server, l net.Listener, what string) error {
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", what, err)
	}
	return nil
}

// leave takes no new connection and gives each that is there one more request, until ctx ends. late says that there are
// more.
func (f *fronts) leave(ctx context.Context) (late bool) {
	return f.end(ctx, f.http1.leave, f.leaveHTTP2)
}

// leaveHTTP2 is http1.leave for the others: net/http closes idle connections as they are, with what is just on its way on
// them, and takes no more from those that still shake hands.
func (f *fronts) leaveHTTP2(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, lastRequest)
	defer cancel()
	if wait(waiting, &f.http1.all) != nil || f.http1.http2.used.Load() {
		<-waiting.Done()
	}
	return f.http2.Shutdown(ctx)
}

// shutdown takes no new connection and lets requests finish until ctx ends. late says that there are more.
func (f *fronts) shutdown(ctx context.Context) (late bool) {
	return f.end(ctx, f.http1.shutdown, f.http2.Shutdown)
}

// halt takes no new connection. Once it has returned the doors may be opened again.
func (f *fronts) halt() {
	for _, l := range f.listeners {
		_ = l.Close() // fails where it is closed already
	}
	if f.certs != nil {
		f.certs.Stop() // a successor obtains what is not there yet
	}
	f.accepting.Wait() // whoever was accepted is served
}

func (f *fronts) end(ctx context.Context, first, other func(context.Context) error) (late bool) {
	f.halt()
	second := make(chan error, 1)
	go func() { second <- other(ctx) }()
	return errors.Join(first(ctx), <-second) != nil
}

func (f *fronts) close() error {
	f.http1.close()
	return f.http2.Close()
}

func (s *Server) http2Server(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true) // of connections over TLS that the front has shaken hands on
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:                      h,
		Protocols:                    protocols,
		ReadHeaderTimeout:            s.opts.Timeouts.Header,
		IdleTimeout:                  s.opts.Timeouts.Idle,
		HTTP2:                        &http.HTTP2Config{WriteByteTimeout: s.opts.Timeouts.Idle}, // no deadline of a stream ends a write
		MaxHeaderBytes:               maxHeader,
		ConnState:                    s.countHTTP2,
		DisableGeneralOptionsHandler: true, // OPTIONS * is the app's to answer
		ErrorLog:                     slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelDebug),
	}
}
