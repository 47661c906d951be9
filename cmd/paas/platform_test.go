package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"paas"
)

// platform is what is behind the API in these tests: apps in memory, with just enough rules for a client to meet its
// answers. Apps named err-CODE answer everything with that error.
type platform struct {
	mu     sync.Mutex
	apps   map[string]*testApp
	keys   []paas.Key
	tokens []paas.Token

	registries []paas.Registry

	resized chan paas.TerminalSize // sizes that a run was told
	started chan string            // runs that have been attached
}

type testApp struct {
	info     paas.AppInfo
	config   paas.Config
	version  int
	checks   paas.Checks
	routing  paas.Routing
	pages    []paas.PageInfo
	releases []paas.ReleaseInfo // newest first
	ps       paas.Processes
	builds   []paas.BuildInfo
	runs     []paas.RunInfo
	requests []paas.RunRequest
	domains  []paas.Domain
	certs    []paas.Certificate
	logs     []paas.LogLine

	build        paas.BuildSettings
	buildSecrets map[string]string
	uploaded     map[string]string // by the last Upload
}

// newPlatform has the app hello, with a history, and the app empty, with none.
func newPlatform() *platform {
	p := &platform{
		apps: map[string]*testApp{}, resized: make(chan paas.TerminalSize, 16), started: make(chan string, 16),
		keys: []paas.Key{{Name: "ada", Fingerprint: "SHA256:abc", Public: "ssh-ed25519 AAAA", CreatedAt: clock.Add(-time.Hour)}},
	}
	p.apps["empty"] = newTestApp("empty")
	p.apps["hello"] = helloApp()
	return p
}

func newTestApp(name string) *testApp {
	return &testApp{
		info: paas.AppInfo{
			Name: name, URL: "http://" + name + ".localhost:8080/", GitURL: "ssh://paas@localhost:2222/" + name, State: paas.AppEmpty,
		},
		config:  paas.Config{},
		domains: []paas.Domain{{Host: name + ".localhost", Kind: "default"}},
	}
}

const testCommit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"

const testImage = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func helloApp() *testApp {
	a := newTestApp("hello")
	a.info.Release, a.info.State = 2, paas.AppDegraded
	a.config, a.version = paas.Config{"GREETING": "hei"}, 2
	a.releases = []paas.ReleaseInfo{
		{
			Version: 2, Status: paas.ReleaseSucceeded, Current: true, Description: "Set GREETING config vars", Image: testImage,
			Commit: testCommit, ConfigKeys: []string{"GREETING"}, User: "ada", CreatedAt: clock.Add(-3 * time.Minute),
		},
		{
			Version: 1, Status: paas.ReleaseSucceeded, Description: "Deploy 1a2b3c4", Image: testImage, Commit: testCommit,
			ConfigKeys: []string{}, User: "ada", CreatedAt: clock.Add(-2 * time.Hour),
		},
	}
	started, next, one := clock.Add(-3*time.Minute), clock.Add(8*time.Second), 1
	a.ps = paas.Processes{
		Formation: []paas.ProcessStatus{{Type: "web", Quantity: 1, Size: paas.Size{Memory: 512 << 20}, Command: "./hello web"}, {Type: "worker", Quantity: 1, Command: "./hello work"}},
		Instances: []paas.InstanceStatus{
			{Name: "web.1", Type: "web", State: paas.InstanceUp, Release: 2, Size: paas.Size{Memory: 512 << 20}, StartedAt: &started},
			{
				Name: "worker.1", Type: "worker", State: paas.InstanceCrashed, Release: 2, StartedAt: &started, Restarts: 3, ExitCode: &one,
				Reason: "exited with 1", NextRestartAt: &next,
			},
		},
	}
	a.builds = []paas.BuildInfo{{
		ID: 1, Status: paas.BuildSucceeded, Source: paas.BuildOfPush, Language: "dockerfile", Dockerfile: "Dockerfile", Commit: testCommit, Branch: "main", User: "ada", CreatedAt: clock.Add(-2 * time.Hour), Seconds: 12.3,
		Image: testImage,
	}}
	a.logs = []paas.LogLine{
		{Time: clock.Add(-3 * time.Minute), Source: paas.LogPaas, Process: "deploy", Text: "v2 is up"},
		{Time: clock.Add(-2 * time.Minute), Source: paas.LogApp, Process: "web.1", Text: "listening"},
		{Time: clock.Add(-time.Minute), Source: paas.LogRouter, Process: "router", Text: `at=info path="/"`},
		{Time: clock, Source: paas.LogApp, Process: "worker.1", Text: "working <on> it"},
	}
	return a
}

// lock returns the app, locked until unlock; every call on it goes through here.
func (p *platform) lock(app string) (*testApp, error) {
	if code, ok := strings.CutPrefix(app, "err-"); ok {
		return nil, paas.Errorf(paas.Code(strings.ReplaceAll(code, "-", "_")), "it is so").WithHint("paas apps")
	}
	p.mu.Lock()
	a, ok := p.apps[app]
	if !ok {
		p.mu.Unlock()
		return nil, paas.Errorf(paas.NotFound, "there is no app %q", app).WithHint("paas apps")
	}
	return a, nil
}

func (p *platform) Apps(context.Context) ([]paas.AppInfo, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var apps []paas.AppInfo
	for _, a := range p.apps {
		apps = append(apps, a.info)
	}
	slices.SortFunc(apps, func(a, b paas.AppInfo) int { return strings.Compare(a.Name, b.Name) })
	return apps, nil
}

func (p *platform) App(_ context.Context, app string) (paas.AppInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.AppInfo{}, err
	}
	defer p.mu.Unlock()
	return a.info, nil
}

func (p *platform) CreateApp(_ context.Context, app string) (paas.AppInfo, error) {
	if a, err := p.lock(app); err == nil {
		defer p.mu.Unlock()
		return a.info, paas.Errorf(paas.Conflict, "the name %q is taken", app).WithHint("choose another name")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apps[app] = newTestApp(app)
	return p.apps[app].info, nil
}

func (p *platform) RenameApp(_ context.Context, app, to string, progress io.Writer) (paas.AppInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.AppInfo{}, err
	}
	defer p.mu.Unlock()
	_, _ = io.WriteString(progress, "moving routes\n")
	delete(p.apps, app)
	a.info = newTestApp(to).info
	p.apps[to] = a
	return a.info, nil
}

func (p *platform) DestroyApp(_ context.Context, app string, _ io.Writer) error {
	_, err := p.lock(app)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	delete(p.apps, app)
	return nil
}

func (p *platform) Config(_ context.Context, app string) (paas.Config, int, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, 0, err
	}
	defer p.mu.Unlock()
	return a.config, a.version, nil
}

// SetConfig fails the release when the key FAIL is set.
func (p *platform) SetConfig(_ context.Context, app string, patch paas.ConfigPatch, ifMatch int, progress io.Writer) (paas.ConfigChange, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.ConfigChange{}, err
	}
	defer p.mu.Unlock()
	if ifMatch >= 0 && ifMatch != a.version {
		return paas.ConfigChange{}, paas.Errorf(paas.Stale, "the config of %s has changed meanwhile", app).WithHint("paas config:edit")
	}
	next, set, removed, err := a.config.Apply(patch)
	if err != nil {
		return paas.ConfigChange{}, err
	}
	change := paas.ConfigChange{Set: set, Removed: removed, Version: a.version}
	if len(set)+len(removed) == 0 {
		return change, nil
	}
	if _, fail := next["FAIL"]; fail {
		return change, paas.Errorf(paas.Failed, "release v%d failed: web.1 exited with 1", a.info.Release+1).WithHint("paas logs -a %s", app)
	}
	a.config, a.version = next, a.version+1
	change.Version = a.version
	if a.info.Release > 0 {
		change.Release = a.release("Set "+strings.Join(set, ", ")+" config vars", progress)
	}
	return change, nil
}

func (a *testApp) release(description string, progress io.Writer) *paas.ReleaseInfo {
	_, _ = io.WriteString(progress, "starting web.1\n")
	r := a.releases[0]
	a.releases[0].Current = false
	r.Version, r.Description, r.CreatedAt, r.Current = r.Version+1, description, clock, true
	a.releases = slices.Insert(a.releases, 0, r)
	a.info.Release = r.Version
	return &r
}

func (p *platform) Releases(_ context.Context, app string) ([]paas.ReleaseInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return slices.Clone(a.releases), nil
}

func (p *platform) Release(_ context.Context, app string, version int) (paas.ReleaseDetail, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.ReleaseDetail{}, err
	}
	defer p.mu.Unlock()
	for _, r := range a.releases {
		if r.Version == version {
			return paas.ReleaseDetail{
				ReleaseInfo: r, Build: 1, ProcessTypes: map[string]string{"web": "./hello web", "worker": "./hello work"},
				Phases: []paas.Phase{{Name: "start", Seconds: 0.4}, {Name: "probe", Seconds: 1.25}},
				Diff:   paas.ReleaseDiff{Added: []string{"GREETING"}},
			}, nil
		}
	}
	return paas.ReleaseDetail{}, paas.Errorf(paas.NotFound, "%s has no release v%d", app, version).WithHint("paas releases -a %s", app)
}

func (p *platform) VerifyReleases(_ context.Context, app string) (paas.LedgerCheck, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.LedgerCheck{}, err
	}
	defer p.mu.Unlock()
	return paas.LedgerCheck{Releases: len(a.releases), Verified: true}, nil
}

func (p *platform) Rollback(_ context.Context, app string, to int, progress io.Writer) (paas.ReleaseInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.ReleaseInfo{}, err
	}
	defer p.mu.Unlock()
	if to, err = a.rollbackTarget(to); err != nil {
		return paas.ReleaseInfo{}, err
	}
	return *a.release("Rollback to v"+strconv.Itoa(to), progress), nil
}

func (p *platform) PreviewRollback(_ context.Context, app string, to int) (paas.RollbackPreview, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.RollbackPreview{}, err
	}
	defer p.mu.Unlock()
	if to, err = a.rollbackTarget(to); err != nil {
		return paas.RollbackPreview{}, err
	}
	return paas.RollbackPreview{
		Current: a.info.Release, Target: a.releases[a.info.Release-to],
		Diff: paas.ReleaseDiff{Removed: []string{"GREETING", "type worker"}, Changed: []string{"image"}},
	}, nil
}

func (a *testApp) rollbackTarget(to int) (int, error) {
	if to == 0 {
		to = a.info.Release - 1
	}
	if to < 1 || to >= a.info.Release {
		return 0, paas.Errorf(paas.Conflict, "%s has no release to go back to", a.info.Name).WithHint("paas releases -a %s", a.info.Name)
	}
	return to, nil
}

func (p *platform) Builds(_ context.Context, app string) ([]paas.BuildInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return a.builds, nil
}

func (p *platform) Build(_ context.Context, app string, id int) (paas.BuildInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.BuildInfo{}, err
	}
	defer p.mu.Unlock()
	if id > len(a.builds) {
		return paas.BuildInfo{}, paas.Errorf(paas.NotFound, "%s has no build %d", app, id).WithHint("paas builds -a %s", app)
	}
	return a.builds[len(a.builds)-id], nil
}

func (p *platform) BuildLog(ctx context.Context, app string, id int, colours bool, w io.Writer) error {
	if _, err := p.Build(ctx, app, id); err != nil {
		return err
	}
	text := "step 1 of build %d\nstep 2\n"
	if colours {
		text = "\x1b[32mstep 1\x1b[0m of build %d\n"
	}
	_, err := fmt.Fprintf(w, text, id)
	return err
}

func (p *platform) CancelBuild(ctx context.Context, app string, id int) (paas.BuildInfo, error) {
	b, err := p.Build(ctx, app, id)
	if err == nil {
		err = paas.Errorf(paas.Conflict, "build %d of %s has ended", id, app).WithHint("paas builds:info %d -a %s", id, app)
	}
	return b, err
}

func (p *platform) Domains(_ context.Context, app string) ([]paas.Domain, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return slices.Clone(a.domains), nil
}

func (p *platform) AddDomain(_ context.Context, app, host string) (paas.Domain, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Domain{}, err
	}
	defer p.mu.Unlock()
	d := paas.Domain{Host: host, Kind: "custom"}
	a.domains = append(a.domains, d)
	return d, nil
}

func (p *platform) RemoveDomain(_ context.Context, app, host string) (paas.Domain, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.Domain{}, err
	}
	defer p.mu.Unlock()
	i := slices.IndexFunc(a.domains, func(d paas.Domain) bool { return d.Host == host && d.Kind == "custom" })
	if i < 0 {
		return paas.Domain{}, paas.Errorf(paas.NotFound, "%s has no domain %q", app, host).WithHint("paas domains -a %s", app)
	}
	d := a.domains[i]
	a.domains = slices.Delete(a.domains, i, i+1)
	return d, nil
}

func (p *platform) Logs(ctx context.Context, app string, q paas.LogQuery, fn func(paas.LogLine) error) error {
	a, err := p.lock(app)
	if err != nil {
		return err
	}
	lines := slices.Clone(a.logs)
	p.mu.Unlock()
	lines = slices.DeleteFunc(lines, func(l paas.LogLine) bool { return !q.Match(l) })
	if q.Lines > 0 || q.Follow {
		lines = lines[max(0, len(lines)-q.Lines):]
	}
	for _, l := range lines {
		if err := fn(l); err != nil {
			return err
		}
	}
	if q.Follow {
		<-ctx.Done()
	}
	return nil
}
