package release

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"paas"
)

// Exec runs a command inside a running instance of app, web.1 or run.17, and returns its exit code. When ctx or the
// engine ends, the command is hung up. It holds up nothing: a move that ends the instance ends the command.
func (e *Engine) Exec(ctx context.Context, app, instance string, req paas.ExecRequest, stdio paas.Stdio) (int, error) {
	if err := validateExec(instance, req); err != nil {
		return 0, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return 0, err
	}
	i, err := e.runningIn(ctx, record, instance)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()
	what := "exec " + paas.Quote(strings.Join(req.Command, " "))
	ev := paas.Event{App: record.ID, Kind: paas.EventInstanceExec, User: paas.UserOf(ctx), Release: i.Release, Instance: i.Name}
	ev.Text = fmt.Sprintf("%s by %s on v%d", what, ev.User, i.Release)
	e.event(ev)
	code, err := e.Runtime.Exec(ctx, i.ID, req, stdio)
	if paas.CodeOf(err) == paas.Conflict { // it ended a moment ago
		err = e.whyNotRunning(ctx, record, i.Name)
	}
	if err != nil {
		ev.Text = fmt.Sprintf("%s: %v", what, err)
		e.event(ev)
		return code, fmt.Errorf("run a command in %s: %w", i.Name, err)
	}
	ev.Text = fmt.Sprintf("%s exited with status %d", what, code)
	e.event(ev)
	return code, nil
}

func validateExec(instance string, req paas.ExecRequest) error {
	if _, _, ok := paas.ParseInstanceName(instance); !ok {
		return paas.Errorf(paas.Invalid, "%s is not an instance", paas.Quote(instance)).WithHint("name one like web.1: paas ps")
	}
	return paas.ValidateCommand(req.Command, req.Env, "paas ps:exec "+instance+" -- sh")
}

// runningIn is the instance that runs in a slot; where one replaces another, the one that stays.
func (e *Engine) runningIn(ctx context.Context, app paas.App, slot string) (paas.Instance, error) {
	instances, err := e.Runtime.Instances(ctx, app.ID)
	if err != nil {
		return paas.Instance{}, err
	}
	instances = slices.DeleteFunc(instances, func(i paas.Instance) bool {
		_, leaving := e.memory.retiringState(i.ID)
		return i.Name != slot || !i.Running || leaving
	})
	if len(instances) == 0 {
		return paas.Instance{}, e.whyNotRunning(ctx, app, slot)
	}
	return slices.MaxFunc(instances, func(a, b paas.Instance) int {
		return cmp.Or(cmp.Compare(e.staying(a), e.staying(b)), a.CreatedAt.Compare(b.CreatedAt))
	}), nil
}

// staying ranks an instance that is up before one that has yet to be.
func (e *Engine) staying(i paas.Instance) int {
	if e.memory.isHealthy(i.ID) {
		return 1
	}
	return 0
}

// whyNotRunning is the error for a slot in which nothing runs.
func (e *Engine) whyNotRunning(ctx context.Context, app paas.App, slot string) error {
	ps, err := e.Processes(ctx, app.Name)
	if err != nil {
		return err
	}
	n := slices.IndexFunc(ps.Instances, func(s paas.InstanceStatus) bool { return s.Name == slot })
	if n < 0 {
		return paas.Errorf(paas.NotFound, "there is no instance %s of %s", slot, app.Name).WithHint("paas ps -a %s", app.Name)
	}
	switch s := ps.Instances[n]; s.State {
	case paas.InstanceDown:
		return paas.Errorf(paas.Conflict, "%s is stopped", slot).WithHint("paas ps:restart %s -a %s", slot, app.Name)
	case paas.InstanceCrashed:
		return paas.Errorf(paas.Conflict, "%s does not run: %s", slot, s.Reason).WithHint("paas logs -a %s --process %s", app.Name, slot)
	case paas.InstanceDraining, paas.InstanceStopping:
		return paas.Errorf(paas.Conflict, "%s is %s", slot, s.State).WithHint("paas ps -a %s", app.Name)
	default:
		return paas.Errorf(paas.Conflict, "%s does not run yet: it is %s", slot, s.State).WithHint("paas ps:wait -a %s", app.Name)
	}
}
