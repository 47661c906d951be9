package release

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"paas"
)

// move is the execution of one plan for one app.
type move struct {
	engine   *Engine
	app      paas.App // as recorded
	want     paas.App // as it will be once committed
	release  paas.Release
	config   paas.Config
	progress Progress
	// what acted, for the log stream: "deploy", "scale", "restart", "repair".
	what string
	// commit records want; nil where the record says so already.
	commit func() (paas.App, error)
	// atomic: the first instance that does not come up undoes the move. Otherwise each slot is on its own.
	atomic bool
	// fresh: the crashes of the release before hold nothing back.
	fresh  bool
	phases *phases

	mu      sync.Mutex
	started []paas.Instance
	healthy map[string]paas.Instance // by slot
	failed  map[string]error         // by slot
	vacated bool                     // what served has ended already
}

// run observes, plans and executes. Once commit has succeeded the move is done whatever happens: an error after it
// says only that the routes are not confirmed yet, which the next reconcile repairs.
func (m *move) run(ctx context.Context) error {
	e := m.engine
	observed, err := e.observe(ctx, m.app, m.release.Version)
	if err != nil {
		return err
	}
	plan := MakePlan(desire(m.want, m.release, m.retryAt()), observed, e.Now())
	m.healthy, m.failed = kept(plan, observed), map[string]error{}
	if err := m.unroute(ctx, plan, observed); err != nil {
		return err
	}
	m.vacate(plan, observed)
	if err := m.fill(ctx, plan, observed); err != nil {
		m.undo()
		return err
	}
	if err := m.record(ctx); err != nil {
		m.undo()
		return err
	}
	return m.settle(ctx, plan, observed)
}

// retryAt tells how long a slot's crashes hold it back.
func (m *move) retryAt() func(slot string) time.Time {
	if m.fresh {
		return func(string) time.Time { return time.Time{} }
	}
	return m.engine.memory.retryAt(m.app.ID)
}

// kept are the healthy instances that the plan leaves alone.
func kept(plan Plan, observed []Seen) map[string]paas.Instance {
	touched := map[string]bool{}
	for _, s := range plan.Steps {
		if s.ID != "" {
			touched[s.ID] = true
		}
	}
	healthy := map[string]paas.Instance{}
	for _, s := range observed {
		if !touched[s.ID] && s.Healthy && !s.Retiring && s.Type != paas.RunType {
			healthy[s.Name] = s.Instance
		}
	}
	return healthy
}

// unroute sends requests only to what can answer them now, and does not end before.
func (m *move) unroute(ctx context.Context, plan Plan, observed []Seen) error {
	dead := map[string]bool{}
	for _, s := range plan.of(Vacate) {
		dead[s.ID] = true
	}
	for _, s := range plan.of(Unroute) {
		dead[s.ID] = true
		m.event(paas.EventInstanceUnrouted, s, "Out of the routes: "+s.Cause)
	}
	if len(dead) == 0 {
		return nil
	}
	var left []paas.Instance
	for _, s := range observed {
		if s.Routed && !dead[s.ID] {
			left = append(left, s.Instance)
		}
	}
	return m.engine.route(ctx, m.app, m.release, left)
}

// fill starts what is missing and waits for all that is not known to be healthy, in parallel.
func (m *move) fill(ctx context.Context, plan Plan, observed []Seen) error {
	starts, awaits := plan.of(Start), plan.of(Await)
	if len(starts) > 0 {
		fmt.Fprintf(m.progress, "Starting %s\n", stepNames(starts))
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, m.release.EffectiveChecks().MaxSurge))
	for _, step := range starts {
		g.Go(func() error { return m.slot(gctx, step, m.start) })
	}
	byID := map[string]paas.Instance{}
	for _, s := range observed {
		byID[s.ID] = s.Instance
	}
	for _, step := range awaits {
		if step.ID == "" {
			continue // just started: start waits for it
		}
		g.Go(func() error {
			return m.slot(gctx, step, func(ctx context.Context, _ Step) (paas.Instance, error) {
				return byID[step.ID], m.engine.awaitAgain(ctx, byID[step.ID], m.release.EffectiveChecks())
			})
		})
	}
	err := g.Wait()
	m.phases.done("start")
	return err
}

// slot fills one slot by fn. In an atomic move its error ends the others. Otherwise it only marks the slot as failed,
// unless the error says nothing about the instance, because the engine is away or the work was canceled. An engine whose
// disk is full may well have space for another.
func (m *move) slot(ctx context.Context, step Step, fn func(context.Context, Step) (paas.Instance, error)) error {
	began := time.Now()
	instance, err := fn(ctx, step)
	if err == nil {
		m.up(step, instance, time.Since(began))
		return nil
	}
	away := paas.CodeOf(err) == paas.Unavailable && !paas.OutOfSpace(err)
	if m.atomic || ctx.Err() != nil || away {
		return err
	}
	m.notUp(step, instance, err)
	return nil
}

func (m *move) up(step Step, instance paas.Instance, took time.Duration) {
	m.engine.memory.setHealthy(instance.ID)
	m.mu.Lock()
	m.healthy[step.Name] = instance
	m.mu.Unlock()
	if step.ID == "" {
		fmt.Fprintf(m.progress, "%s is up (%.1fs)\n", step.Name, took.Seconds())
		m.event(paas.EventInstanceUp, step, fmt.Sprintf("Up on v%d: %s", step.Release, step.Cause))
	}
}

// notUp counts the failure as a crash of the slot and lets the instance go.
func (m *move) notUp(step Step, instance paas.Instance, err error) {
	e := m.engine
	m.mu.Lock()
	m.failed[step.Name] = err
	m.mu.Unlock()
	exit := 0
	if boot, ok := asBoot(err); ok {
		exit = boot.Instance.ExitCode
	}
	e.memory.failedStart(m.app.ID, step.Name, instance.ID, err.Error(), exit)
	m.event(paas.EventInstanceFailed, step, "Not up: "+m.config.Mask(err.Error()))
	if instance.ID != "" {
		e.retire(m.app.ID, []paas.Instance{instance})
	}
}

// start creates an instance and waits until it is healthy and kept.
func (m *move) start(ctx context.Context, step Step) (paas.Instance, error) {
	e := m.engine
	sp, err := spec(m.want, m.release, m.config, Slot{
		Name: step.Name, Type: step.Type, Generation: m.want.Restarted[step.Name], Size: m.want.Sizes[step.Type],
	})
	if err != nil {
		return paas.Instance{}, err
	}
	instance, err := e.startInstance(ctx, sp)
	if err != nil {
		return paas.Instance{}, fmt.Errorf("start %s: %w", step.Name, err)
	}
	m.mu.Lock()
	m.started = append(m.started, instance)
	m.mu.Unlock()
	m.phases.at("start")
	if err := e.await(ctx, instance, m.release.EffectiveChecks()); err != nil {
		return instance, err
	}
	m.phases.at("probe")
	if err := e.Runtime.Keep(ctx, instance.ID); err != nil {
		return instance, fmt.Errorf("keep %s: %w", step.Name, err)
	}
	return instance, nil
}

// undo lets go of all that an atomic move started; no request ever reached it. What a repair started, the next one keeps.
func (m *move) undo() {
	switch {
	case m.atomic && m.vacated:
		m.restore()
	case m.atomic:
		m.engine.retire(m.app.ID, m.started)
	}
}

// record makes the desired state the recorded one. It is the point of no return.
func (m *move) record(ctx context.Context) error {
	if m.commit == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return paas.Errorf(paas.Canceled, "the %s was canceled", m.what).Because(context.Cause(ctx))
	}
	app, err := m.commit()
	if err != nil {
		return err
	}
	m.app = app
	m.phases.done("switch")
	m.happened(paas.MoveSwitch, "")
	m.phases.at("switch")
	return nil
}

// settle switches the routes and, once they are confirmed, lets go of what is no longer wanted.
func (m *move) settle(ctx context.Context, plan Plan, observed []Seen) error {
	e := m.engine
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.Timings.Route)
	defer cancel()
	gone, targets := m.partition(plan, observed)
	if err := e.route(ctx, m.app, m.release, targets); err != nil {
		e.later(m.app.ID, retryRepair)
		return err
	}
	m.phases.done("route")
	if m.commit != nil || !plan.Idle() {
		m.happened(paas.MoveRouted, "")
	}
	m.phases.at("route")
	e.retire(m.app.ID, gone)
	for _, s := range plan.of(Remove) {
		m.event(paas.EventInstanceRemoved, s, "Removed: "+s.Cause)
	}
	e.removeAll(m.app.ID, plan.of(Remove))
	return nil
}

// event records what happened to the instance of a step.
func (m *move) event(kind paas.EventKind, s Step, text string) {
	m.engine.event(paas.Event{App: m.app.ID, Kind: kind, Release: s.Release, Instance: s.Name, Text: text})
}

// happened records a step of the move as a whole.
func (m *move) happened(step, text string) {
	m.engine.event(paas.Event{App: m.app.ID, Kind: paas.Move(m.what, step), Release: m.release.Version, Text: text})
}

// partition splits what runs into instances to let go and those that requests go to. An instance whose replacement did
// not come up stays, and goes on serving if it did.
func (m *move) partition(plan Plan, observed []Seen) (gone, targets []paas.Instance) {
	for _, i := range m.healthy {
		targets = append(targets, i)
	}
	retire := map[string]bool{}
	for _, s := range plan.of(Retire) {
		retire[s.ID] = true
	}
	for _, s := range observed {
		if !retire[s.ID] {
			continue
		}
		if m.failed[s.Name] != nil && !s.Sick {
			if s.Routed {
				targets = append(targets, s.Instance)
			}
			continue
		}
		gone = append(gone, s.Instance)
	}
	return gone, targets
}

func stepNames(steps []Step) string {
	text := ""
	for i, s := range steps {
		if i > 0 {
			text += ", "
		}
		text += s.Name
	}
	return text
}
