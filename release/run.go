package release

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"paas"
)

const (
	detachedTimeout = 24 * time.Hour
	attachWithin    = time.Minute // a run whose client never attaches is given up
	runGrace        = 10 * time.Second
)

// CreateRun records a one-off on a release of app. A detached one starts at once; another waits for AttachRun.
func (e *Engine) CreateRun(ctx context.Context, app string, req paas.RunRequest) (paas.RunInfo, error) {
	if err := paas.ValidateCommand(req.Command, req.Env, "paas run -- ./hello migrate"); err != nil {
		return paas.RunInfo{}, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.RunInfo{}, err
	}
	rel, config, err := e.releaseForRun(record, req.Release)
	if err != nil {
		return paas.RunInfo{}, err
	}
	run, err := e.Store.AppendRun(paas.Run{
		App: record.ID, Release: rel.Version, Command: req.Command, User: paas.UserOf(ctx), Detached: req.Detach, Status: paas.RunPending,
	})
	if err != nil {
		return paas.RunInfo{}, err
	}
	sp, err := runSpec(record, rel, config, run, req)
	if err != nil {
		return paas.RunInfo{}, e.endRun(run, 0, err)
	}
	e.event(paas.Event{
		App: record.ID, Kind: paas.EventRunCreated, User: run.User, Release: run.Release, Instance: run.Name(),
		Text: fmt.Sprintf("%s by %s on v%d", paas.Quote(strings.Join(run.Command, " ")), run.User, run.Release),
	})
	if req.Detach {
		return e.startDetached(ctx, run, sp, req.Timeout)
	}
	e.attachable(run, sp, req.Timeout)
	return run.Info(e.Now()), nil
}

// releaseForRun is release version of app, or the current one for 0.
func (e *Engine) releaseForRun(app paas.App, version int) (paas.Release, paas.Config, error) {
	if version == 0 || version == app.Current {
		return e.current(app)
	}
	rel, config, err := e.entry(app, version)
	if err == nil && rel.Image.ID == "" {
		err = paas.Errorf(paas.Conflict, "v%d has no image", version).WithHint("paas releases -a %s", app.Name)
	}
	return rel, config, err
}

func runSpec(app paas.App, rel paas.Release, config paas.Config, run paas.Run, req paas.RunRequest) (paas.InstanceSpec, error) {
	env := environment(config, app.Name, rel, run.Name(), 0)
	maps.Copy(env, req.Env)
	args, err := runArgv(req.Command, rel, env)
	if err != nil {
		return paas.InstanceSpec{}, err
	}
	return paas.InstanceSpec{
		App: app.ID, AppName: app.Name, Type: paas.RunType, Name: run.Name(), Release: rel.Version, Image: rel.Image,
		Command: args, Env: environ(env), Subnet: app.Subnet, TTY: req.TTY, Stdin: req.Stdin, Terminal: req.Terminal,
	}, nil
}

// waiting is a run whose client has yet to attach.
type waiting struct {
	run     paas.Run
	spec    paas.InstanceSpec
	timeout time.Duration
	expiry  *time.Timer
}

func (e *Engine) attachable(run paas.Run, sp paas.InstanceSpec, timeout time.Duration) {
	w := &waiting{run: run, spec: sp, timeout: timeout}
	key := slotKey{run.App, run.Name()}
	e.runsMu.Lock()
	defer e.runsMu.Unlock()
	e.attachables[key] = w
	w.expiry = time.AfterFunc(attachWithin, func() {
		if w := e.takeAttachable(key); w != nil {
			err := e.endRun(w.run, 0, paas.Errorf(paas.Canceled, "no client attached within %s", attachWithin))
			e.Log.Info("run given up", "run", w.run.Name(), "reason", err)
		}
	})
}

func (e *Engine) takeAttachable(key slotKey) *waiting {
	e.runsMu.Lock()
	defer e.runsMu.Unlock()
	w := e.attachables[key]
	delete(e.attachables, key)
	if w != nil {
		w.expiry.Stop()
	}
	return w
}

// AttachRun starts the run, carries its stdio and returns its exit code. When ctx ends it is hung up, then stopped.
func (e *Engine) AttachRun(ctx context.Context, app string, id int, stdio paas.Stdio) (int, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return 0, err
	}
	run, err := e.Store.Run(record.ID, id)
	if err != nil {
		return 0, err
	}
	w := e.takeAttachable(slotKey{record.ID, run.Name()})
	if w == nil {
		return 0, paas.Errorf(paas.Conflict, "%s is %s, and a run can be attached to only once", run.Name(), run.Status).WithHint("paas run:list -a %s", app)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()
	if w.timeout > 0 {
		ctx, cancel = context.WithTimeoutCause(ctx, w.timeout, errRunTime)
		defer cancel()
	}
	run.Status = paas.RunRunning
	if err := e.Store.UpdateRun(run); err != nil {
		return 0, e.endRun(run, 0, err)
	}
	code, err := e.runInstance(ctx, w.spec, stdio, func(i paas.Instance) { e.setRunning(run, i.ID) })
	e.unsetRunning(run)
	if errors.Is(context.Cause(ctx), errRunTime) {
		err = paas.Errorf(paas.Failed, "%s was stopped: it took longer than %s", run.Name(), w.timeout).WithHint("give it longer: paas run --timeout 2h -- …")
	}
	return code, e.endRun(run, code, err)
}

var errRunTime = fmt.Errorf("the run took longer than its timeout")

// endRun records how a run ended and returns err, if any.
func (e *Engine) endRun(run paas.Run, code int, err error) error {
	run.Status, run.ExitCode, run.FinishedAt = paas.RunExited, code, e.Now()
	text := fmt.Sprintf("Exited with status %d", code)
	if err != nil {
		run.Status, run.Error = paas.RunFailed, err.Error()
		text = "Failed: " + err.Error()
	}
	e.event(paas.Event{App: run.App, Kind: paas.EventRunEnded, User: run.User, Release: run.Release, Instance: run.Name(), Text: text})
	record := func() error { return e.Store.UpdateRun(run) }
	if updateErr := e.conclude(run.Name()+" of app "+run.App, record); updateErr != nil && paas.CodeOf(updateErr) != paas.NotFound {
		e.Log.Error("a run's end is not recorded", "run", run.Name(), "error", updateErr)
	}
	return err
}

func (e *Engine) startDetached(ctx context.Context, run paas.Run, sp paas.InstanceSpec, timeout time.Duration) (paas.RunInfo, error) {
	i, err := e.startInstance(ctx, sp)
	if err != nil {
		return paas.RunInfo{}, e.endRun(run, 0, fmt.Errorf("start %s: %w", run.Name(), err))
	}
	run.Status = paas.RunRunning
	if err := e.Store.UpdateRun(run); err != nil {
		e.remove(ctx, i.ID, i.AppName)
		return paas.RunInfo{}, e.endRun(run, 0, err)
	}
	if timeout <= 0 {
		timeout = detachedTimeout
	}
	e.follow(run, i, timeout)
	return run.Info(e.Now()), nil
}

// follow waits in the background for a detached run to end, records how, and removes it.
func (e *Engine) follow(run paas.Run, i paas.Instance, timeout time.Duration) {
	e.setRunning(run, i.ID)
	e.behind(func(life context.Context) {
		defer e.unsetRunning(run)
		ctx, cancel := context.WithTimeout(life, timeout)
		defer cancel()
		last, err := e.waitForEnd(ctx, i.ID)
		if life.Err() != nil {
			return // paasd stops; the run goes on and the next start follows it again
		}
		if ctx.Err() != nil {
			_, stopErr := e.Runtime.Stop(life, i.ID, runGrace)
			err = paas.Errorf(paas.Failed, "stopped: it took longer than %s", timeout).Because(stopErr)
		}
		e.memory.setRetiring(i.ID, paas.InstanceStopping) // it is no stray, though its record is at its end
		if err := e.endRun(run, last.ExitCode, err); err != nil {
			e.Log.Info("detached run did not end by itself", "run", run.Name(), "error", err)
		}
		e.remove(life, i.ID, i.AppName)
	})
}

// waitForEnd waits for an instance to end, over however long the engine is away.
func (e *Engine) waitForEnd(ctx context.Context, id string) (paas.Instance, error) {
	for {
		last, err := e.Runtime.Wait(ctx, id)
		if paas.CodeOf(err) != paas.Unavailable {
			return last, err
		}
		select {
		case <-ctx.Done():
			return last, err
		case <-time.After(retryRepair):
		}
	}
}

func (e *Engine) setRunning(run paas.Run, id string) {
	e.runsMu.Lock()
	defer e.runsMu.Unlock()
	e.running[slotKey{run.App, run.Name()}] = id
}

func (e *Engine) unsetRunning(run paas.Run) {
	e.runsMu.Lock()
	defer e.runsMu.Unlock()
	delete(e.running, slotKey{run.App, run.Name()})
}

func (e *Engine) runningID(run paas.Run) (string, bool) {
	e.runsMu.Lock()
	defer e.runsMu.Unlock()
	id, ok := e.running[slotKey{run.App, run.Name()}]
	return id, ok
}

// Runs lists app's one-offs, newest first.
func (e *Engine) Runs(_ context.Context, app string) ([]paas.RunInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	runs, err := e.Store.Runs(record.ID)
	infos := make([]paas.RunInfo, len(runs))
	for i, r := range runs {
		infos[i] = r.Info(e.Now())
	}
	return infos, err
}

// Run returns one.
func (e *Engine) Run(_ context.Context, app string, id int) (paas.RunInfo, error) {
	_, run, err := e.findRun(app, id)
	return run.Info(e.Now()), err
}

// StopRun sends SIGTERM to a run, and SIGKILL after a grace.
func (e *Engine) StopRun(ctx context.Context, app string, id int) (paas.RunInfo, error) {
	record, run, err := e.findRun(app, id)
	if err != nil {
		return paas.RunInfo{}, err
	}
	if w := e.takeAttachable(slotKey{record.ID, run.Name()}); w != nil {
		err := e.endRun(run, 0, paas.Errorf(paas.Canceled, "stopped by %s before its client attached", paas.UserOf(ctx)))
		e.Log.Info("run stopped", "run", run.Name(), "reason", err)
		return e.Run(ctx, app, id)
	}
	instance, ok := e.runningID(run)
	if !ok {
		return paas.RunInfo{}, paas.Errorf(paas.Conflict, "%s does not run: it %s", run.Name(), run.Status).WithHint("paas run:list -a %s", app)
	}
	if _, err := e.Runtime.Stop(ctx, instance, runGrace); err != nil {
		return paas.RunInfo{}, fmt.Errorf("stop %s: %w", run.Name(), err)
	}
	return e.Run(ctx, app, id)
}

func (e *Engine) findRun(app string, id int) (paas.App, paas.Run, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return record, paas.Run{}, err
	}
	run, err := e.Store.Run(record.ID, id)
	return record, run, err
}
