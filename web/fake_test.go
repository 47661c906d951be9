package web

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"

	"paas"
)

// fake is all the services: it records what is called and in whose name, answers with zero values, and does what its
// on-functions say instead. Keys and tokens are kept as the store would.
type fake struct {
	mu      sync.Mutex
	calls   []string
	err     error // of every call that takes a context
	keys    map[string]paas.Key
	tokens  map[string]paas.Token
	changes []paas.Change

	onScale   func(ctx context.Context, progress io.Writer) (paas.Processes, error)
	onLogs    func(ctx context.Context, q paas.LogQuery, fn func(paas.LogLine) error) error
	onAttach  func(ctx context.Context, stdio paas.Stdio) (int, error) // of runs, and of commands in instances
	onLog     func(ctx context.Context, w io.Writer) error
	onReceive func(ctx context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (int, error)
	onPush    func(ctx context.Context, token, updates string, env map[string]string, options []string, progress io.Writer) error
	config    paas.Config
}

func newFake() *fake {
	return &fake{keys: map[string]paas.Key{}, tokens: map[string]paas.Token{}}
}

func (f *fake) services() Services {
	return Services{
		Apps: f, Configs: f, Checks: f, Releases: f, Events: f, Processes: f, Runs: f, Schedules: f, Builds: f, BuildSettings: f, Domains: f, Certs: f, Routing: f, Routes: f,
		Pages: f, Metrics: f, Garbage: f,
		Logs: f, Keys: f, Registries: f, Tokens: f, Git: f,
	}
}

// note records a call as `user: Method arg arg`.
func (f *fake) note(ctx context.Context, method string, args ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	line := paas.UserOf(ctx) + ": " + method
	for _, a := range args {
		line += " " + fmt.Sprint(a)
	}
	f.calls = append(f.calls, line)
	return f.err
}

func (f *fake) lastCall() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) == 0 {
		return ""
	}
	return f.calls[len(f.calls)-1]
}

func (f *fake) Apps(ctx context.Context) ([]paas.AppInfo, error) { return nil, f.note(ctx, "Apps") }

func (f *fake) App(ctx context.Context, app string) (paas.AppInfo, error) {
	return paas.AppInfo{Name: app}, f.note(ctx, "App", app)
}

func (f *fake) CreateApp(ctx context.Context, app string) (paas.AppInfo, error) {
	return paas.AppInfo{Name: app, State: paas.AppEmpty}, f.note(ctx, "CreateApp", app)
}

func (f *fake) RenameApp(ctx context.Context, app, to string, progress io.Writer) (paas.AppInfo, error) {
	return paas.AppInfo{Name: to}, f.note(ctx, "RenameApp", app, to)
}

func (f *fake) DestroyApp(ctx context.Context, app string, progress io.Writer) error {
	fmt.Fprintln(progress, "removing "+app)
	return f.note(ctx, "DestroyApp", app)
}

func (f *fake) Events(ctx context.Context, q paas.EventQuery) ([]paas.EventInfo, error) {
	return nil, f.note(ctx, "Events", q.App, q.Limit)
}

func (f *fake) AppID(name string) string { return "id-of-" + name }

func (f *fake) RecordChange(change paas.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes = append(f.changes, change)
}

func (f *fake) Config(ctx context.Context, app string) (paas.Config, int, error) {
	return f.config, 7, f.note(ctx, "Config", app)
}

func (f *fake) SetConfig(ctx context.Context, app string, p paas.ConfigPatch, ifMatch int, _ io.Writer) (paas.ConfigChange, error) {
	if err := f.note(ctx, "SetConfig", app, slices.Sorted(maps.Keys(p)), ifMatch); err != nil {
		return paas.ConfigChange{}, err
	}
	if ifMatch >= 0 && ifMatch != 7 {
		return paas.ConfigChange{}, paas.Errorf(paas.Stale, "the config has changed since version %d", ifMatch).WithHint("paas config")
	}
	next, set, removed, err := f.config.Apply(p)
	if err == nil {
		f.config = next
	}
	return paas.ConfigChange{Set: set, Removed: removed, Version: 8}, err
}

func (f *fake) Checks(ctx context.Context, app string) ([]paas.CheckSetting, error) {
	return nil, f.note(ctx, "Checks", app)
}

func (f *fake) SetChecks(ctx context.Context, app string, p paas.ChecksPatch, _ io.Writer) (paas.ChecksChange, error) {
	return paas.ChecksChange{}, f.note(ctx, "SetChecks", app, slices.Sorted(maps.Keys(p)))
}

func (f *fake) Releases(ctx context.Context, app string) ([]paas.ReleaseInfo, error) {
	return nil, f.note(ctx, "Releases", app)
}

func (f *fake) Release(ctx context.Context, app string, version int) (paas.ReleaseDetail, error) {
	return paas.ReleaseDetail{ReleaseInfo: paas.ReleaseInfo{Version: version}}, f.note(ctx, "Release", app, version)
}

func (f *fake) VerifyReleases(ctx context.Context, app string) (paas.LedgerCheck, error) {
	return paas.LedgerCheck{Releases: 2, Verified: true}, f.note(ctx, "VerifyReleases", app)
}

func (f *fake) PreviewRollback(ctx context.Context, app string, to int) (paas.RollbackPreview, error) {
	return paas.RollbackPreview{Current: 8}, f.note(ctx, "PreviewRollback", app, to)
}

func (f *fake) Rollback(ctx context.Context, app string, to int, _ io.Writer) (paas.ReleaseInfo, error) {
	return paas.ReleaseInfo{Version: 9}, f.note(ctx, "Rollback", app, to)
}

func (f *fake) Processes(ctx context.Context, app string) (paas.Processes, error) {
	return paas.Processes{}, f.note(ctx, "Processes", app)
}

func (f *fake) Scale(ctx context.Context, app string, change paas.Formation, progress io.Writer) (paas.Processes, error) {
	err := f.note(ctx, "Scale", app, change)
	if f.onScale != nil {
		return f.onScale(ctx, progress)
	}
	return paas.Processes{}, err
}

func (f *fake) Resize(ctx context.Context, app string, change paas.Sizes, _ io.Writer) (paas.Processes, error) {
	return paas.Processes{}, f.note(ctx, "Resize", app, change)
}

func (f *fake) Restart(ctx context.Context, app, target string, _ io.Writer) (paas.Processes, error) {
	return paas.Processes{}, f.note(ctx, "Restart", app, target)
}

func (f *fake) Stop(ctx context.Context, app, target string, _ io.Writer) (paas.Processes, error) {
	return paas.Processes{}, f.note(ctx, "Stop", app, target)
}

func (f *fake) Exec(ctx context.Context, app, instance string, req paas.ExecRequest, stdio paas.Stdio) (int, error) {
	err := f.note(ctx, "Exec", app, instance, req.Command, req.Env, req.TTY, req.Terminal)
	if f.onAttach != nil {
		return f.onAttach(ctx, stdio)
	}
	return 0, err
}

func (f *fake) CreateRun(ctx context.Context, app string, req paas.RunRequest) (paas.RunInfo, error) {
	return paas.RunInfo{Name: "run.1", Command: req.Command}, f.note(ctx, "CreateRun", app, req.Command)
}

func (f *fake) AttachRun(ctx context.Context, app string, id int, stdio paas.Stdio) (int, error) {
	err := f.note(ctx, "AttachRun", app, id)
	if f.onAttach != nil {
		return f.onAttach(ctx, stdio)
	}
	return 0, err
}

func (f *fake) Runs(ctx context.Context, app string, limit int) ([]paas.RunInfo, error) {
	return nil, f.note(ctx, "Runs", app, limit)
}

func (f *fake) Schedules(ctx context.Context, app string) ([]paas.ScheduleInfo, error) {
	return nil, f.note(ctx, "Schedules", app)
}

func (f *fake) AddSchedule(ctx context.Context, app string, s paas.Schedule) (paas.ScheduleInfo, error) {
	return paas.ScheduleInfo{Name: s.Name, Command: s.Command}, f.note(ctx, "AddSchedule", app, s.Name, s.Cron, s.Command)
}

func (f *fake) SetSchedule(ctx context.Context, app, name string, patch paas.SchedulePatch) (paas.ScheduleInfo, error) {
	return paas.ScheduleInfo{Name: name}, f.note(ctx, "SetSchedule", app, name, *patch.Enabled)
}

func (f *fake) RemoveSchedule(ctx context.Context, app, name string) (paas.ScheduleInfo, error) {
	return paas.ScheduleInfo{Name: name}, f.note(ctx, "RemoveSchedule", app, name)
}

func (f *fake) RunSchedule(ctx context.Context, app, name string) (paas.RunInfo, error) {
	return paas.RunInfo{Name: "run.1"}, f.note(ctx, "RunSchedule", app, name)
}

func (f *fake) Run(ctx context.Context, app string, id int) (paas.RunInfo, error) {
	return paas.RunInfo{Name: paas.InstanceName(paas.RunType, id)}, f.note(ctx, "Run", app, id)
}

func (f *fake) StopRun(ctx context.Context, app string, id int) (paas.RunInfo, error) {
	return paas.RunInfo{}, f.note(ctx, "StopRun", app, id)
}

func (f *fake) Builds(ctx context.Context, app string) ([]paas.BuildInfo, error) {
	return nil, f.note(ctx, "Builds", app)
}

func (f *fake) Build(ctx context.Context, app string, id int) (paas.BuildInfo, error) {
	return paas.BuildInfo{ID: id}, f.note(ctx, "Build", app, id)
}

func (f *fake) BuildLog(ctx context.Context, app string, id int, colours bool, w io.Writer) error {
	err := f.note(ctx, "BuildLog", app, id, colours)
	if f.onLog != nil {
		return f.onLog(ctx, w)
	}
	return err
}

func (f *fake) CancelBuild(ctx context.Context, app string, id int) (paas.BuildInfo, error) {
	return paas.BuildInfo{ID: id}, f.note(ctx, "CancelBuild", app, id)
}

func (f *fake) Certificates(ctx context.Context, app string) ([]paas.Certificate, error) {
	return nil, f.note(ctx, "Certificates", app)
}

func (f *fake) AddCertificate(ctx context.Context, app string, chain, key []byte) (paas.Certificate, error) {
	return paas.Certificate{Name: string(chain)}, f.note(ctx, "AddCertificate", app, string(chain), len(key))
}

func (f *fake) RemoveCertificate(ctx context.Context, app, name string) (paas.Certificate, error) {
	return paas.Certificate{Name: name}, f.note(ctx, "RemoveCertificate", app, name)
}

func (f *fake) Domains(ctx context.Context, app string) ([]paas.Domain, error) {
	return nil, f.note(ctx, "Domains", app)
}

func (f *fake) AddDomain(ctx context.Context, app, host string) (paas.Domain, error) {
	return paas.Domain{Host: host}, f.note(ctx, "AddDomain", app, host)
}

func (f *fake) RemoveDomain(ctx context.Context, app, host string) (paas.Domain, error) {
	return paas.Domain{Host: host}, f.note(ctx, "RemoveDomain", app, host)
}

func (f *fake) Routing(ctx context.Context, app string) ([]paas.RoutingSetting, error) {
	return nil, f.note(ctx, "Routing", app)
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = f.note(r.Context(), "Metrics")
	_, _ = io.WriteString(w, "up 1\n")
}

func (f *fake) Pages(ctx context.Context, app string) ([]paas.PageInfo, error) {
	return nil, f.note(ctx, "Pages", app)
}

func (f *fake) SetPage(ctx context.Context, app string, name paas.PageName, html string) (paas.PageInfo, error) {
	return paas.PageInfo{Name: name}, f.note(ctx, "SetPage", app, name, html)
}

func (f *fake) RemovePage(ctx context.Context, app string, name paas.PageName) error {
	return f.note(ctx, "RemovePage", app, name)
}

func (f *fake) Routes(ctx context.Context, app string) (paas.RouteTable, error) {
	return paas.RouteTable{Version: 3}, f.note(ctx, "Routes", app)
}

func (f *fake) SetRouting(ctx context.Context, app string, patch paas.RoutingPatch) ([]string, error) {
	return nil, f.note(ctx, "SetRouting", app, len(patch))
}

func (f *fake) SetPaused(ctx context.Context, app string, paused bool) (paas.AppInfo, error) {
	return paas.AppInfo{Name: app}, f.note(ctx, "SetPaused", app, paused)
}

func (f *fake) SetMaintenance(ctx context.Context, app string, on bool) (paas.AppInfo, error) {
	return paas.AppInfo{Name: app}, f.note(ctx, "SetMaintenance", app, on)
}

func (f *fake) Collect(ctx context.Context, dryRun bool, progress io.Writer) (paas.Collection, error) {
	fmt.Fprintln(progress, "looking")
	return paas.Collection{DryRun: dryRun}, f.note(ctx, "Collect", dryRun)
}

func (f *fake) Logs(ctx context.Context, app string, q paas.LogQuery, fn func(paas.LogLine) error) error {
	err := f.note(ctx, "Logs", app)
	if f.onLogs != nil {
		return f.onLogs(ctx, q, fn)
	}
	return err
}

func (f *fake) Keys() ([]paas.Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.keys)), nil
}

func (f *fake) AddKey(key paas.Key) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, taken := f.keys[key.Name]; taken {
		return paas.Errorf(paas.Conflict, "there is a key %q already", key.Name)
	}
	f.keys[key.Name] = key
	return nil
}

func (f *fake) RemoveKey(name string) (paas.Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key, ok := f.keys[name]
	if !ok {
		return paas.Key{}, paas.Errorf(paas.NotFound, "there is no key %q", name)
	}
	delete(f.keys, name)
	return key, nil
}

func (f *fake) KeyByFingerprint(fingerprint string) (paas.Key, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range f.keys {
		if k.Fingerprint == fingerprint {
			return k, nil
		}
	}
	return paas.Key{}, paas.Errorf(paas.NotFound, "unknown key")
}

func (f *fake) Tokens() ([]paas.Token, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.tokens)), nil
}

func (f *fake) AddToken(token paas.Token) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens[token.Name] = token
	return nil
}

func (f *fake) RemoveToken(name string) (paas.Token, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tokens[name]
	if !ok {
		return paas.Token{}, paas.Errorf(paas.NotFound, "there is no token %q", name)
	}
	delete(f.tokens, name)
	return t, nil
}

func (f *fake) TokenBySum(sum string) (paas.Token, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.tokens {
		if t.Sum == sum {
			return t, nil
		}
	}
	return paas.Token{}, paas.Errorf(paas.NotFound, "unknown token")
}

func (f *fake) ReceivePack(ctx context.Context, app string, stdin io.Reader, stdout, stderr io.Writer) (paas.PushResult, error) {
	err := f.note(ctx, "ReceivePack", app)
	code := 0
	if f.onReceive != nil {
		code, err = f.onReceive(ctx, app, stdin, stdout, stderr)
	}
	return paas.PushResult{ExitCode: code, Updates: "main 1a2b3c4"}, err
}
