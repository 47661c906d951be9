package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"sync"
	"time"

	"paas"
)

// PlatformApp is the app of the route that leads to the platform's own API. No app's ID can be this, so Retain leaves
// it alone.
const PlatformApp = "paas"

// Options are a controller's settings. Zero values: no log, no sink, no files, nobody who hears.
type Options struct {
	Log *slog.Logger
	// Sink takes the request lines of apps (App.ID); it is called from Run, in order.
	Sink func(app string, line paas.LogLine)
	// File is where the content of the files that routes name is kept for good: by App.ID and paas.FileName.
	File func(app, name string) ([]byte, error)
	// Problem hears of each part of a route that cannot go live, and of each that was so and is gone. It must be quick, and
	// not call the controller.
	Problem func(p Problem, gone bool)
}

// Controller composes the routing table out of the routes of apps, keeps it on disk and the target in step with it.
//
// Changes are collected while a table is on its way to the target; whoever gets the turn next writes and puts what has
// come together, for all who wait. No lock is held meanwhile: Route and new changes never wait for the target.
type Controller struct {
	dir    string
	target Target
	opts   Options
	turn   chan struct{} // held by the one that writes and puts

	mu      sync.Mutex
	table   Table // as on disk, unless that is full; its Routes are never changed in place
	pending []*change
	live    uint64 // the newest version that the target has confirmed
	unsaved bool   // the table is newer than the one on disk, which was full; changed with the turn as well

	// Guarded by turn:
	keep     bool      // table.json is a good one, worth keeping as the previous
	problems []Problem // that have been told
	placed   placed
}

// NewController loads the table kept in dir, which is made when missing. A table that does not decode is reported to
// the log and replaced by the one before it; if there is none, it starts empty, and the routes must be applied anew.
func NewController(dir string, target Target, opts Options) (*Controller, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Sink == nil {
		opts.Sink = func(string, paas.LogLine) {}
	}
	if opts.File == nil {
		opts.File = func(_, name string) ([]byte, error) {
			return nil, paas.Errorf(paas.NotFound, "there is no file %s", name)
		}
	}
	if opts.Problem == nil {
		opts.Problem = func(Problem, bool) {}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the router's directory: %w", err)
	}
	t, bad, err := Load(dir)
	if err != nil {
		return nil, fmt.Errorf("load the routing table: %w", err)
	}
	if bad != nil {
		opts.Log.Error("routing table is damaged, the previous one is used", "error", bad, "version", t.Version)
	}
	return &Controller{
		dir: dir, target: target, opts: opts, turn: make(chan struct{}, 1), table: t, keep: bad == nil, problems: problemsOf(t),
		placed: newPlaced(dir, t),
	}, nil
}

// Apply makes r the route of its app and returns once it is live in the target. When ctx ends before, it fails with
// paas.Unavailable; the route is then written and goes live when the target comes back. After any other error the target
// keeps what it had.
// A host that is not valid, or that another app's route had first, is left out and logged; the rest goes live.
func (c *Controller) Apply(ctx context.Context, r paas.Route) error {
	if c.isLive(r) {
		return nil // as a sweep finds it for every app, which must not cost a comparison of all the routes each time
	}
	r.Hosts, r.Backends = slices.Clone(r.Hosts), slices.Clone(r.Backends)
	return c.change(ctx, func(routes []paas.Route) []paas.Route { return place(routes, r) })
}

// Adjust changes an app's route, if it has one, but for its backends, and returns as Apply does. The backends stay those
// that were applied last, whoever is about to apply others: a route that was read before may name instances that have to
// go. change must not call the controller, and keeps no part of the route.
func (c *Controller) Adjust(ctx context.Context, app string, change func(*paas.Route)) error {
	return c.change(ctx, func(routes []paas.Route) []paas.Route {
		i := find(routes, app)
		if i < 0 {
			return routes
		}
		r := routes[i]
		change(&r)
		r.App, r.Backends, r.Hosts = app, routes[i].Backends, slices.Clone(r.Hosts)
		return place(routes, r)
	})
}

// isLive says whether the target has exactly this route, and nothing waits to change that.
func (c *Controller) isLive(r paas.Route) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := find(c.table.Routes, r.App)
	return i >= 0 && reflect.DeepEqual(c.table.Routes[i], r) && len(c.pending) == 0 && c.live >= c.table.Version && !c.unsaved
}

// Remove drops the route of an app and returns once the target knows none. It is no error if there is none.
func (c *Controller) Remove(ctx context.Context, app string) error {
	return c.change(ctx, func(routes []paas.Route) []paas.Route {
		return slices.DeleteFunc(routes, func(r paas.Route) bool { return r.App == app })
	})
}

// Retain drops the routes of all other apps but the platform's own.
func (c *Controller) Retain(ctx context.Context, apps []string) error {
	return c.change(ctx, func(routes []paas.Route) []paas.Route {
		return slices.DeleteFunc(routes, func(r paas.Route) bool { return r.App != PlatformApp && !slices.Contains(apps, r.App) })
	})
}

// Route returns an app's route as it was written last.
func (c *Controller) Route(app string) (paas.Route, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := find(c.table.Routes, app)
	if i < 0 {
		return paas.Route{}, false
	}
	r := c.table.Routes[i]
	r.Hosts, r.Backends = slices.Clone(r.Hosts), slices.Clone(r.Backends)
	return r, true
}

// Table returns the whole table as it was written last. Its routes must not be changed.
func (c *Controller) Table() Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.table
}

// Routes is the table as the target has it live, or only the part of an app (App.ID). It fails with paas.Conflict where
// the target does not show it.
func (c *Controller) Routes(ctx context.Context, app string) (paas.RouteTable, error) {
	target, err := c.observed()
	if err != nil {
		return paas.RouteTable{}, err
	}
	return target.Routes(ctx, app)
}

// Metrics are those of the target, as delimited protobuf. It fails as Routes does.
func (c *Controller) Metrics(ctx context.Context) ([]byte, error) {
	target, err := c.observed()
	if err != nil {
		return nil, err
	}
	return target.Metrics(ctx)
}

func (c *Controller) observed() (Observed, error) {
	target, ok := c.target.(Observed)
	if !ok {
		return nil, paas.Errorf(paas.Conflict, "requests do not pass paas's own router here, so it has no routes to show").
			WithHint("paasd serve --router embedded")
	}
	return target, nil
}

// Drain waits until no request is in flight to addrs, for at most deadline, and returns how many were cut then. A
// backend that is still in the table is refused with paas.Conflict. While the target is away it is asked again until
// ctx or the deadline ends.
func (c *Controller) Drain(ctx context.Context, addrs []netip.AddrPort, deadline time.Duration) (cut int, err error) {
	end := time.Now().Add(deadline)
	ctx, cancel := context.WithDeadline(ctx, end.Add(drainMargin))
	defer cancel()
	for wait := newBackoff(); ; {
		cut, err = c.target.Drain(ctx, addrs, max(0, time.Until(end)))
		if paas.CodeOf(err) != paas.Unavailable || time.Now().After(end) {
			return cut, err
		}
		if !wait.sleep(ctx) {
			return 0, err
		}
	}
}

// Run relays request lines to the sink and puts the table each time the target's log begins: at the start and after
// the target came back. It returns when ctx ends.
func (c *Controller) Run(ctx context.Context) error {
	wait, reported := newBackoff(), false
	for ctx.Err() == nil {
		err := c.target.Log(ctx, func(ev LogEvent) error {
			if ev.App != "" {
				c.opts.Sink(ev.App, paas.LogLine{Time: ev.Time, Source: paas.LogRouter, Process: "router", Text: ev.Text})
				return nil
			}
			err := c.restore(ctx)
			if err == nil {
				wait, reported = newBackoff(), false
			}
			return err
		})
		if err != nil && ctx.Err() == nil && !reported {
			c.opts.Log.Warn("router is away", "error", err, "cause", errors.Unwrap(err))
			reported = true
		}
		wait.sleep(ctx)
	}
	return nil
}

// place makes r the route of its app.
func place(routes []paas.Route, r paas.Route) []paas.Route {
	i := find(routes, r.App)
	if i >= 0 && slices.Equal(routes[i].Hosts, r.Hosts) {
		routes[i] = r
		return routes
	}
	if i >= 0 { // a claim of other hosts is a new one: it comes after those of the rest
		routes = slices.Delete(routes, i, i+1)
	}
	return append(routes, r)
}

func find(routes []paas.Route, app string) int {
	return slices.IndexFunc(routes, func(r paas.Route) bool { return r.App == app })
}
