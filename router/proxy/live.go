package proxy

import (
	"context"
	"crypto/tls"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"paas"
	"paas/router"
)

// app is a route as requests meet it.
type app struct {
	id          string
	maintenance bool
	paused      bool
	health      string // the path that is answered while it is paused; empty: none
	down        code
	policy      policy
	pages       pages
	share       *share
	backends    []*backend
}

// routes is one version of the table, never changed once it is live.
type routes struct {
	table router.Table
	sites
	own      ownCerts
	replaced chan struct{} // closed when another version is live
}

// live is the table in use and the backends of this and of earlier ones that still serve.
type live struct {
	current  atomic.Pointer[routes]
	timeouts Timeouts
	files    router.Files
	unrouted atomic.Uint64 // requests that no app answers
	http1    atomic.Int64  // connections
	http2    atomic.Int64
	secure   bool // the router takes TLS

	changing sync.Mutex // held for a whole change of the table, the reading of files included
	library  library
	certs    map[string]*tls.Certificate // by file

	mu       sync.Mutex // held for moments only: swap, and looking up what to drain
	backends map[backendKey]*backend
	shares   map[string]*share     // by app
	retired  map[*backend]struct{} // not in the table any more, with requests in flight
}

// backendKey keeps connections and counts of a backend over changes of the table, but never shares them between apps or
// between an instance and a later one at its address.
type backendKey struct {
	app string
	paas.Backend
}

func newLive(timeouts Timeouts, files router.Files) *live {
	l := &live{timeouts: timeouts, files: files, backends: map[backendKey]*backend{}, retired: map[*backend]struct{}{}}
	l.current.Store(&routes{replaced: make(chan struct{})})
	return l
}

func (l *live) version() uint64 { return l.current.Load().table.Version }

// table is what is live, without what could not be. Nothing of it may be changed.
func (l *live) table() router.Table { return l.current.Load().table }

// lookup returns the app for a host in its normal form and a target, nil if there is none.
func (l *live) lookup(host, target string) *app { return l.current.Load().find(host, target) }

// put makes t live unless a newer version is. ok says whether it did.
func (l *live) put(t router.Table) (problems []router.Problem, ok bool) {
	l.changing.Lock()
	defer l.changing.Unlock()
	if t.Version < l.version() {
		return nil, false
	}
	return l.change(t), true
}

func (l *live) swap(t router.Table) []router.Problem {
	l.changing.Lock()
	defer l.changing.Unlock()
	return l.change(t)
}

// change, called with changing, reads what t names before requests have to wait for anything.
func (l *live) change(t router.Table) []router.Problem {
	t, problems := t.Check()
	library, missing := l.library.read(l.files, t)
	l.library, problems = library, append(problems, missing...)
	var own ownCerts
	if l.secure {
		own, problems = l.loadCerts(t, problems)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.swapLocked(t, own)
	return problems
}

// swapLocked changes the pointer first and retires after: a request that took a backend from the old table is either
// counted there before it retires, or turned away by it and looks again.
func (l *live) swapLocked(t router.Table, own ownCerts) {
	next := &routes{table: t, sites: make(sites, len(t.Routes)), own: own, replaced: make(chan struct{})}
	old, shares := l.backends, l.shares
	l.shares = make(map[string]*share, len(t.Routes))
	l.backends = make(map[backendKey]*backend, len(old))
	for _, r := range t.Routes {
		a := &app{
			id: r.App, maintenance: r.Maintenance, paused: r.Paused, health: r.Health, down: downCode(r.Down),
			policy: newPolicy(r.Routing, l.timeouts), pages: l.library.pagesOf(r), share: shares[r.App],
		}
		if a.share == nil {
			a.share = &share{}
		}
		l.shares[r.App] = a.share
		for _, b := range r.Backends {
			a.backends = append(a.backends, l.backendOf(old, backendKey{r.App, b}))
		}
		for _, h := range r.Hosts {
			next.add(h, a)
		}
	}
	close(l.current.Swap(next).replaced)
	for key, b := range old {
		if l.backends[key] != b && !b.retire() {
			l.retired[b] = struct{}{}
		}
	}
}

func (l *live) backendOf(old map[backendKey]*backend, key backendKey) *backend {
	b := old[key]
	if b == nil {
		b = newBackend(key, l.forget)
	}
	l.backends[key] = b
	return b
}

// forget drops a retired backend whose last request ended.
func (l *live) forget(b *backend) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.retired, b)
}

// drain waits until nothing is in flight to addrs, cuts what is left after deadline, and counts that. When ctx ends
// nobody wants to know any more, and nothing is cut.
func (l *live) drain(ctx context.Context, addrs []netip.AddrPort, deadline time.Duration) (cut int, err error) {
	draining, err := l.draining(addrs)
	if err != nil {
		return 0, err
	}
	late, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	for _, b := range draining {
		waitFor(late, b.empty)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return cutAll(draining), nil
}

func (l *live) draining(addrs []netip.AddrPort) ([]*backend, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []*backend
	for b := range l.retired {
		if slices.Contains(addrs, b.addr) {
			found = append(found, b)
		}
	}
	for key := range l.backends {
		if slices.Contains(addrs, key.Addr) {
			return nil, paas.Errorf(paas.Conflict, "%s at %s is still in the routing table", key.Instance, key.Addr).
				WithHint("apply a route without it first")
		}
	}
	return found, nil
}

// drainAll does the same for every backend, in the table or not, and leaves no route.
func (l *live) drainAll(ctx context.Context) (cut int) {
	l.swap(router.Table{Version: l.version()})
	l.mu.Lock()
	all := make([]*backend, 0, len(l.retired))
	for b := range l.retired {
		all = append(all, b)
	}
	l.mu.Unlock()
	for _, b := range all {
		waitFor(ctx, b.empty)
	}
	return cutAll(all)
}

// cutGrace is how long requests that were cut may take to unwind. Their connections are dead by then; it takes none.
const cutGrace = 2 * time.Second

func cutAll(backends []*backend) (cut int) {
	for _, b := range backends {
		cut += b.cutAll()
	}
	ctx, cancel := context.WithTimeout(context.Background(), cutGrace)
	defer cancel()
	for _, b := range backends {
		waitFor(ctx, b.empty)
	}
	return cut
}

func waitFor(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// sweepEvery is how often connections that nobody uses are looked for.
const sweepEvery = 5 * time.Second

// watch inspects what is in flight, every so often, and closes idle connections, until done.
func (l *live) watch(done <-chan struct{}, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for swept := clock(); ; {
		select {
		case <-tick.C:
		case <-done:
			return
		}
		now := clock()
		sweep := now-swept >= sweepEvery
		if sweep {
			swept = now
		}
		for b := range l.all() {
			b.inspect(now)
			if sweep {
				b.closeIdle(idleConn)
			}
		}
	}
}

// all gives every backend that has, or may get, something in flight.
func (l *live) all() iter.Seq[*backend] {
	return func(yield func(*backend) bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, b := range l.backends {
			if !yield(b) {
				return
			}
		}
		for b := range l.retired {
			if !yield(b) {
				return
			}
		}
	}
}
