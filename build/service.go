package build

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"paas"
)

type (
	// Records is what the service keeps and looks up.
	Records interface {
		Apps
		History
		Secrets
	}

	// Secrets are the build secrets of an app (an ID), by name.
	Secrets interface {
		BuildSecretValues(app string) (map[string]string, error)
	}

	// Apps finds apps and their configs; what is unknown is paas.NotFound.
	Apps interface {
		App(id string) (paas.App, error)
		AppByName(name string) (paas.App, error)
		Config(app string, version int) (paas.Config, error)
	}

	// History keeps builds by app and id. AppendBuild assigns ID and CreatedAt; Builds is newest first.
	History interface {
		AppendBuild(b paas.Build) (paas.Build, error)
		UpdateBuild(b paas.Build) error
		Build(app string, id int) (paas.Build, error)
		Builds(app string) ([]paas.Build, error)
		UnfinishedBuilds() ([]paas.Build, error)
	}

	// ImageBuilder makes an image of the files src, or gets one by its reference, and reports facts as they come; it ends
	// soon after ctx does.
	ImageBuilder interface {
		BuildImage(ctx context.Context, src fs.FS, spec paas.ImageSpec, events func(paas.BuildEvent)) (paas.Image, error)
		PullImage(ctx context.Context, ref string, spec paas.ImageSpec, events func(paas.BuildEvent)) (paas.Image, error)
	}

	// Deployer makes a release of a build that succeeded and moves the app (an ID) to it. It returns once the release
	// serves or has failed; it ends early when ctx does, which happens when paasd stops or the app is destroyed.
	Deployer interface {
		Deploy(ctx context.Context, app string, b paas.Build, progress io.Writer) (paas.Release, error)
	}

	// Room refuses what the disk has no room for; the error is for the pusher. Before it refuses a build it may make room,
	// and says so to progress.
	Room interface {
		ToReceive() error
		ToBuild(ctx context.Context, progress io.Writer) error
	}

	// LogSink takes lines for an app's log stream.
	LogSink interface {
		Append(app string, l paas.LogLine)
	}
)

// Deps is what a Service works with. Logs may be nil, and Room, which then never refuses.
type Deps struct {
	Repos    *Repos
	Records  Records
	Images   ImageBuilder
	Deployer Deployer
	Logs     LogSink
	Room     Room
}

// Options of a Service.
type Options struct {
	// Dir holds the build logs: Dir/<app id>/<build>.log.
	Dir string
	// MaxBuilds is how many builds may run at once, each of another app. 0: as many as the host has cores, at least
	// two, so that one app's slow build never holds up another's.
	MaxBuilds int
	// Timeout bounds each build, from when it has its builder to its image. 0: an hour.
	Timeout time.Duration
	// Images are the base images by language, where not the official ones.
	Images map[string]string
	// Static is the name of the image that static sites are built FROM; MakeStatic sees to it that the engine has it. nil: there is none.
	Static     string
	MakeStatic func(context.Context) error
	// Network and Limits hold for the builds of apps whose settings do not say otherwise.
	Network paas.BuildNetwork
	Limits  paas.BuildLimits
	// MaxLogBytes bounds each build's log. 0: 5 MB.
	MaxLogBytes int64
	// Reached is told of the moments at which tests of faults kill paasd: "receive" (a pack is in quarantine), "build" (the
	// builder is at work). nil: nobody.
	Reached func(moment string)
	Log     *slog.Logger     // nil: discarded
	Now     func() time.Time // nil: time.Now
}

func (o Options) withDefaults() Options {
	if o.MaxBuilds <= 0 {
		o.MaxBuilds = max(2, runtime.NumCPU())
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Hour
	}
	if o.MaxLogBytes <= 0 {
		o.MaxLogBytes = 5 << 20
	}
	if o.Reached == nil {
		o.Reached = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Service receives pushes and builds them. It is the inside of the git and builds doors.
type Service struct {
	Deps
	opts   Options
	queue  *queue
	logs   *buildLogs
	upkeep *upkeep

	mu     sync.Mutex
	closed bool
	works  map[*work]bool
	pushes map[string]*push // by token, while their git-receive-pack runs
	jobs   map[jobKey]*job  // builds that are not final
	owed   map[jobKey]paas.Build
	idle   sync.WaitGroup // one for each work
}

// NewService returns a service over deps. Call Recover before the doors open, Close at the end.
func NewService(deps Deps, opts Options) *Service {
	opts = opts.withDefaults()
	if deps.Room == nil {
		deps.Room = boundless{}
	}
	return &Service{
		Deps: deps, opts: opts,
		queue:  newQueue(opts.MaxBuilds),
		logs:   &buildLogs{dir: opts.Dir, max: opts.MaxLogBytes, open: map[jobKey]*buildLog{}},
		upkeep: newUpkeep(deps.Repos),
		works:  map[*work]bool{},
		pushes: map[string]*push{},
		jobs:   map[jobKey]*job{},
		owed:   map[jobKey]paas.Build{},
	}
}

// Recover marks the builds that an earlier paasd left behind as failed, and sweeps what its git processes did.
func (s *Service) Recover(ctx context.Context) error {
	builds, err := s.Records.UnfinishedBuilds()
	if err != nil {
		return err
	}
	for _, b := range builds {
		b.Status, b.FinishedAt, b.Error = paas.BuildFailed, s.opts.Now(), "paasd stopped during the build"
		if err := s.record(b); paas.OutOfSpace(err) {
			s.opts.Log.Error("an interrupted build is not recorded as failed yet", "app", b.App, "build", b.ID, "error", err)
		} else if err != nil {
			return err
		}
	}
	if err := s.Repos.Sweep(ctx); err != nil {
		return err
	}
	return s.upkeep.found()
}

// EndBuilds ends the pushes and builds of an app (an ID) that is about to be destroyed, with all that they have begun.
func (s *Service) EndBuilds(ctx context.Context, app string) error {
	for _, w := range s.worksOf(app) {
		w.abort(errAppGone)
		select {
		case <-w.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// RemoveApp removes the repository and the build logs of an app (an ID) that has been destroyed, after they have
// ended.
func (s *Service) RemoveApp(ctx context.Context, app string) error {
	if err := s.EndBuilds(ctx, app); err != nil {
		return err
	}
	if err := s.logs.remove(app); err != nil {
		return err
	}
	done, err := s.upkeep.use(ctx, app)
	if err != nil {
		return err
	}
	defer s.upkeep.forget(app)
	defer done()
	return s.Repos.Remove(ctx, app)
}

// Close refuses new pushes and builds, cancels the running ones and returns when they have ended.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	for w := range s.works {
		w.abort(errStopping)
	}
	s.mu.Unlock()
	s.idle.Wait()
}

func (s *Service) note(app string, process, text string) {
	if s.Logs != nil {
		s.Logs.Append(app, paas.LogLine{Time: s.opts.Now(), Source: paas.LogPaas, Process: process, Text: text})
	}
}
