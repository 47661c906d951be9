package release

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"paas"
)

// Options of an Engine. The zero value of each field means the default in its comment.
type Options struct {
	Domain string                   // apps answer at <app>.<Domain>; default "localhost"
	AppURL func(host string) string // URL of a host for people; default http://<host>/
	GitURL func(app string) string  // default ssh://paas@<Domain>/<app>
	// CheckHost returns a custom domain (a host or a wildcard, and a path prefix) in its canonical form, or why it cannot be one.
	CheckHost func(host string) (string, error)
	// NoHold says that the router cannot let requests wait, so that an app cannot be paused.
	NoHold bool
	// KeepRoutes names routes that belong to no app, which recovery must not drop.
	KeepRoutes []string
	Timings    Timings
	// DefaultSize is that of the instances whose app asks for none, as the runtime holds them to it; it is shown here.
	DefaultSize paas.Size
	// Room refuses what would be written to the store, when its disk is too full for more; default: there is room.
	Room func() error
	// BuildCache is what a collection leaves of the engine's build cache; default: all of it.
	BuildCache paas.Bytes
	// Missing is how much the engine's disk has too little for a build; default: nothing.
	Missing func(ctx context.Context) paas.Bytes
	// Reached is told of the moments at which tests of faults kill paasd: "release-command" (it runs), "start" (an
	// instance of a new release has been started), "probe" (it is healthy), "switch" (the store says so, the routes do
	// not yet), "route" (they do, nothing is drained), "drain" (an instance gets no request any more and has none), "stop"
	// (it has ended and is still there). Default: nobody.
	Reached func(moment string)
	Log     *slog.Logger     // default: discarded
	Now     func() time.Time // default time.Now
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
	recorder recorder[paas.Event]
	changes  recorder[paas.Change]
	subnets  sync.Mutex // one MoveSubnet at a time

	clearing sync.Map // App.ID of destroyed apps whose leftovers are being removed → true

	collecting  chan struct{} // held by whoever collects over all apps
	cachePruned time.Time     // guarded by collecting
	owed        owed

	// life ends when the engine stops; background work belongs to it.
	life       context.Context
	stop       context.CancelFunc
	background background

	runsMu      sync.Mutex
	attachables map[slotKey]*waiting // runs whose client has yet to attach
	running     map[slotKey]string   // instance ids of runs
	interrupted []paas.Run           // what an earlier process left; only recovery looks at it

	dirtyMu sync.Mutex
	dirty   map[string]bool        // apps with a reconcile waiting for its turn
	timers  map[string]*time.Timer // per app: when its next held back restart is due
	said    map[string]string      // per app: why it is not as desired, as logged
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
	if opts.Room == nil {
		opts.Room = func() error { return nil }
	}
	if opts.Missing == nil {
		opts.Missing = func(context.Context) paas.Bytes { return 0 }
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Reached == nil {
		opts.Reached = func(string) {}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Timings = opts.Timings.withDefaults()
	e := &Engine{
		Deps: deps, Options: opts, collecting: make(chan struct{}, 1), attachables: map[slotKey]*waiting{}, running: map[slotKey]string{},
		dirty: map[string]bool{}, timers: map[string]*time.Timer{}, said: map[string]string{},
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
	missed := make(chan struct{}, 1) // events, perhaps
	g.Go(func() error { return e.watch(ctx, missed) })
	g.Go(func() error { return e.sweep(ctx, missed) })
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
	e.background.close()
}
