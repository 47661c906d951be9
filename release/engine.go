package release

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options of an Engine. The zero value of each field means the default in its comment.
type Options struct {
	Domain string                   // apps answer at <app>.<Domain>; default "localhost"
	AppURL func(host string) string // URL of a host for people; default http://<host>/
	GitURL func(app string) string  // default ssh://paas@<Domain>/<app>
	// CheckHost returns a custom domain (a host or a wildcard, and a path prefix) in its canonical form, or why it cannot be one.
	CheckHost func(host string) (string, error)
	// KeepRoutes names routes that belong to no app, which recovery must not drop.
	KeepRoutes []string
	Timings    Timings
	Log        *slog.Logger     // default: discarded
	Now        func() time.Time // default time.Now
}

// Timings bound the waits that no release decides; paas.Checks has the others.
type Timings struct {
	Release time.Duration // for the release command; default 15 min
	Route   time.Duration // for the router to confirm; default 20 s
	Sweep   time.Duration // between two looks at everything; default 30 s
}

func (t Timings) withDefaults() Timings {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&t.Release, 15*time.Minute)
	def(&t.Route, 20*time.Second)
	def(&t.Sweep, 30*time.Second)
	return t
}

// Deps are the packages around the engine.
type Deps struct {
	Store   Store
	Runtime Runtime
	Router  Router
	Repos   Repos
	Logs    Logs
	Builds  Builds
}

// Engine moves apps to releases and keeps them there. Its methods are safe for concurrent use; operations on one app
// run one at a time.
type Engine struct {
	Deps
	Options

	probe    func(ctx context.Context, t target) trouble
	lanes    lanes
	memory   memory
	recorder recorder
	subnets  sync.Mutex // one MoveSubnet at a time

	clearing sync.Map // App.ID of destroyed apps whose leftovers are being removed → true

	// life ends when the engine stops; background work belongs to it.
	began      time.Time
	life       context.Context
	stop       context.CancelFunc
	background sync.WaitGroup

	runsMu      sync.Mutex
	attachables map[slotKey]*waiting // runs whose client has yet to attach
	running     map[slotKey]string   // instance ids of runs

	dirtyMu sync.Mutex
	dirty   map[string]bool        // apps with a reconcile waiting for its turn
	timers  map[string]*time.Timer // per app: when its next held back restart is due
}

// New returns an Engine; Recover and then Work make it work, Close ends what it began.
func New(deps Deps, opts Options) *Engine {
	if opts.Domain == "" {
		opts.Domain = "localhost"
	}
	if opts.AppURL == nil {
		opts.AppURL = func(host string) string { return "http://" + host + "/" }
	}
	if opts.GitURL == nil {
		opts.GitURL = func(app string) string { return "ssh://paas@" + opts.Domain + "/" + app }
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Timings = opts.Timings.withDefaults()
	e := &Engine{
		Deps: deps, Options: opts, began: opts.Now(),
		dirty: map[string]bool{}, timers: map[string]*time.Timer{}, attachables: map[slotKey]*waiting{}, running: map[slotKey]string{},
	}
	e.probe = probe
	e.lanes.init()
	e.memory.init(opts.Now)
	e.life, e.stop = context.WithCancel(context.Background())
	return e
}

// Work keeps every app as desired until ctx ends.
func (e *Engine) Work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.watch(ctx) })
	g.Go(func() error { return e.sweep(ctx) })
	g.Go(func() error { return e.check(ctx) })
	return g.Wait()
}

// Close ends background work: drains and stops under way are left for the next start, which finishes them. Attached runs are
// stopped.
func (e *Engine) Close() {
	e.stop()
	e.dirtyMu.Lock()
	for _, t := range e.timers {
		t.Stop()
	}
	e.dirtyMu.Unlock()
	e.background.Wait()
}

// behind runs fn in the background, with the engine's life as its context.
func (e *Engine) behind(fn func(ctx context.Context)) {
	e.background.Go(func() { fn(e.life) })
}
