package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"paas"
	"paas/router"
	"paas/router/certs"
)

// Server is the data plane of one host.
type Server struct {
	opts    Options
	started time.Time
	live    *live
	ring    *ring
	reader  reader
	doors   *doors
	before  atomic.Pointer[predecessor]   // while it still has requests of its own; nil: there is none
	certs   atomic.Pointer[certs.Manager] // of the fronts that are open; nil where TLS is not taken
}

// New loads the table of Options.Dir and gets the listeners: from the router that has the directory now, which goes on
// until Run takes over from it, else it binds them. An address that is taken is an error here. A table that does not
// decode is reported to the log; the one before it is used.
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
	if err := s.setTLS(); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	before, doors, err := getDoors(opts)
	if err != nil {
		return nil, err
	}
	s.doors = doors
	s.before.Store(before)
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
	problems, _ := s.live.put(t) // one that is older is not worth having
	for _, p := range problems {
		s.opts.Log.Error("part of a route cannot go live", "app", p.App, "problem", p.Text)
	}
	return nil
}

// Addr is where requests are taken.
func (s *Server) Addr() net.Addr { return s.doors.front.Addr() }

// Run serves until ctx ends; then it takes no new connection, lets requests in flight finish for Timeouts.Drain, cuts
// the rest and returns nil. When another router takes over before, it does the same but for returning: should that one
// end first, it serves again. It must be called once; it closes what New opened.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	r := &run{Server: s, g: g}
	g.Go(func() error { return r.main(ctx) })
	return g.Wait()
}

// run is what a server has while it runs. Only main's goroutine touches it.
type run struct {
	*Server
	g       *errgroup.Group // of what serves; its first error ends all
	fronts  *fronts
	earlier []*fronts // that were on their way out when the doors came back
	control *control
	private string // path of the socket that control is on, if that is for a successor
}

func (r *run) main(ctx context.Context) (err error) {
	done := make(chan struct{})
	defer close(done)
	r.g.Go(func() error { r.live.watch(done, r.opts.Timeouts.precision()); return nil })
	if err := r.begin(ctx); err != nil {
		return errors.Join(err, r.stop(context.WithoutCancel(ctx)))
	}
	r.opts.Log.Info("router is up", "addr", r.Addr().String(), "version", r.live.version())
	for {
		next := r.awaitSuccessor(ctx)
		if next == nil {
			return r.stop(context.WithoutCancel(ctx))
		}
		r.opts.Log.Info("another router takes over")
		if back, err := r.retire(ctx, next); !back || err != nil {
			return errors.Join(err, r.end(context.WithoutCancel(ctx)))
		}
		r.opts.Log.Warn("the router that took over has ended: this one serves again", "version", r.live.version())
	}
}

// begin opens the doors to paasd and to clients, in this order where another router is up: from when that one answers
// paasd no more, what paasd says comes here, and is passed on to it.
func (r *run) begin(ctx context.Context) error {
	if p := r.before.Load(); p != nil {
		if err := r.relieve(ctx, p); err != nil {
			return err
		}
	}
	if err := r.open(); err != nil {
		return err
	}
	if p := r.before.Load(); p != nil {
		p.tell(goOn)
	}
	return nil
}

func (r *run) open() (err error) {
	if r.fronts, err = r.openFronts(r.g); err != nil {
		return err
	}
	l, err := r.doors.control.open()
	if err != nil {
		return err
	}
	r.control = r.openControl(r.g, l)
	return nil
}

// stop lets requests end while the control socket still answers, then cuts everything. A predecessor that is still
// there has the doors again, at once.
func (r *run) stop(ctx context.Context) error {
	end := (*fronts).shutdown
	if p := r.before.Load(); p != nil {
		end = (*fronts).leave
		if r.control != nil {
			r.control.close() // or paasd's calls would come to either
		}
		p.leave()
	}
	if r.fronts == nil {
		return r.end(ctx)
	}
	err := r.doors.closeFronts() // whoever comes now is refused, or comes to a predecessor
	ending, cancel := context.WithTimeout(ctx, r.opts.Timeouts.Drain)
	defer cancel()
	late := end(r.fronts, ending)
	return errors.Join(err, r.cut(r.fronts, late), r.end(ctx))
}

// cut closes what is left of requests and, where there is more than the time was for, of connections.
func (r *run) cut(f *fronts, late bool) error {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	r.opts.Log.Info("requests in hand have ended", "cut", r.live.drainAll(now))
	if late { // what is left has no backend any more
		return f.close()
	}
	return nil
}

// end gives the log's reader its last lines and lets go of the doors.
func (r *run) end(ctx context.Context) error {
	var errs []error
	for _, f := range r.earlier {
		errs = append(errs, f.close())
	}
	r.ring.close()
	if r.control != nil {
		errs = append(errs, r.control.stop(ctx))
	}
	r.removePrivate()
	return errors.Join(append(errs, r.doors.close())...)
}

// control answers paasd, or a successor in its place, until it is closed.
type control struct {
	server *http.Server
	ended  chan struct{}
}

func (s *Server) openControl(g *errgroup.Group, l net.Listener) *control {
	c := &control{server: s.controlServer(), ended: make(chan struct{})}
	g.Go(func() error {
		defer close(c.ended)
		return serve(c.server, l, "the control socket")
	})
	return c
}

// close ends it at once: who waits for an answer asks again.
func (c *control) close() {
	if err := c.server.Close(); err != nil { // of a listener whose deadline cannot be set: a closed one
		c.server.ErrorLog.Print(err)
	}
	<-c.ended
}

// flushTime is what the log's reader has to take the last lines.
const flushTime = time.Second

func (c *control) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	if c.server.Shutdown(ctx) == nil {
		return nil
	}
	return c.server.Close()
}
