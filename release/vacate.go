package release

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"paas"
)

// vacate ends what the plan wants gone before anything starts, and waits for it. Once begun it is not canceled: half an
// app is worth nothing, and undo brings back what was there.
func (m *move) vacate(plan Plan, observed []Seen) {
	steps := plan.of(Vacate)
	if len(steps) == 0 {
		return
	}
	e := m.engine
	m.vacated = true
	names := stepNames(slices.CompactFunc(slices.Clone(steps), func(a, b Step) bool { return a.Name == b.Name })) // one may be stopping still
	why := "strategy recreate"
	if m.release.EffectiveChecks().Strategy != paas.Recreate {
		why = "an interrupted deploy left them"
	}
	fmt.Fprintf(m.progress, "Stopping %s before the new ones start (%s)\n", names, why)
	m.happened(paas.MoveVacated, fmt.Sprintf("Stopping %s before the new ones start: %s", names, why))
	going := map[string]bool{}
	for _, s := range steps {
		going[s.ID] = true
	}
	var wg sync.WaitGroup
	var instances []paas.Instance
	for _, s := range observed {
		switch {
		case !going[s.ID]:
		case s.Retiring: // somebody ends it already
			wg.Go(func() { _, _ = e.Runtime.Wait(e.life, s.ID) }) // an error, too, means that there is no more to wait for
		default:
			e.memory.setRetiring(s.ID, paas.InstanceDraining)
			instances = append(instances, s.Instance)
		}
	}
	e.endAll(e.life, e.endings(m.app.ID, instances))
	wg.Wait()
	m.phases.done("stop")
}

// restore ends what the move started, since it cannot run beside what was there, and starts that again.
func (m *move) restore() {
	e := m.engine
	for _, i := range m.started {
		e.memory.setRetiring(i.ID, paas.InstanceStopping)
	}
	e.endAll(e.life, e.endings(m.app.ID, m.started))
	if m.app.Current == 0 {
		return
	}
	fmt.Fprintf(m.progress, "Starting v%d again\n", m.app.Current)
	ctx, cancel := context.WithTimeout(e.life, reconcileTimeout)
	defer cancel()
	if err := e.reconcile(ctx, m.app.ID); err != nil {
		e.Log.Warn("what served before is not up again yet", "app", m.app.Name, "version", m.app.Current, "error", err)
		e.later(m.app.ID, retryRepair)
	}
	m.phases.done("restore")
}

// still says what serves after a release that failed; m is nil where it did not come to a move.
func (m *move) still(app paas.App) string {
	switch {
	case app.Current == 0:
		return "nothing is released yet"
	case m != nil && m.vacated:
		return fmt.Sprintf("v%d was started again", app.Current)
	}
	return fmt.Sprintf("v%d goes on serving", app.Current)
}
