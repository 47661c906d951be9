package release

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"paas"
)

// fakeRouter keeps the last route of each app and a history of backends by release.
type fakeRouter struct {
	mu     sync.Mutex
	routes map[string]paas.Route
	drains []netip.AddrPort
	limits []time.Duration // of the drains
	down   bool
	busy   time.Duration      // that a drain takes
	certs  []paas.Certificate // that it obtains
}

func (r *fakeRouter) Certificates(context.Context, string) ([]paas.Certificate, error) {
	return r.certs, nil
}

func (r *fakeRouter) Route(app string) (paas.Route, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	route, ok := r.routes[app]
	return route, ok
}

func (r *fakeRouter) answer(there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = !there
}

func (r *fakeRouter) Apply(_ context.Context, route paas.Route) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return paas.Errorf(paas.Unavailable, "the router does not answer")
	}
	r.routes[route.App] = route
	return nil
}

func (r *fakeRouter) Adjust(ctx context.Context, app string, change func(*paas.Route)) error {
	route, ok := r.Route(app)
	if !ok {
		return nil
	}
	change(&route)
	return r.Apply(ctx, route)
}

func (r *fakeRouter) Remove(_ context.Context, app string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.routes, app)
	return nil
}

func (r *fakeRouter) Retain(context.Context, []string) error { return nil }

func (r *fakeRouter) deadlines() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.limits)
}

func (r *fakeRouter) Drain(_ context.Context, addrs []netip.AddrPort, limit time.Duration) (int, error) {
	r.mu.Lock()
	r.limits = append(r.limits, limit)
	r.drains = append(r.drains, addrs...)
	busy := min(r.busy, limit)
	r.mu.Unlock()
	if busy > 0 {
		<-time.After(busy)
	}
	return 0, nil
}

// fakeLogs keeps lines in memory.
type fakeLogs struct {
	mu    sync.Mutex
	lines []paas.LogLine
}

func (l *fakeLogs) Append(_ string, line paas.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *fakeLogs) Remove(string) error { return nil }

func (l *fakeLogs) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	for _, line := range l.lines {
		fmt.Fprintln(&b, line)
	}
	return b.String()
}

// fakeSource is the repositories and builds; it knows which apps' were removed.
type fakeSource struct {
	mu      sync.Mutex
	removed []string
}

func (*fakeSource) Create(context.Context, string) error    { return nil }
func (*fakeSource) EndBuilds(context.Context, string) error { return nil }

func (s *fakeSource) RemoveApp(_ context.Context, app string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = append(s.removed, app)
	return nil
}

func (s *fakeSource) without() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.removed)
}
