package release

import (
	"context"
	"slices"
	"strings"

	"paas"
)

// Processes is what ps shows: the formation, and every instance that runs or should.
func (e *Engine) Processes(ctx context.Context, app string) (paas.Processes, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.Processes{}, err
	}
	out := paas.Processes{Formation: []paas.ProcessStatus{}, Instances: []paas.InstanceStatus{}, Queue: e.lanes.queue(record.ID)}
	var rel paas.Release
	if record.Current != 0 {
		if rel, err = e.Store.Release(record.ID, record.Current); err != nil {
			return out, err
		}
		for _, name := range rel.Types.Names() {
			command, _ := rel.Types.Command(name)
			out.Formation = append(out.Formation, paas.ProcessStatus{
				Type: name, Quantity: record.Formation.Quantity(name), Size: record.Sizes[name].Or(e.DefaultSize), Command: command,
			})
		}
	}
	instances, err := e.Runtime.Instances(ctx, record.ID)
	if err != nil {
		return out, err
	}
	out.Instances = append(out.Instances, e.statuses(record, rel, instances)...)
	return out, nil
}

// statuses are those of the observed instances and of slots without one, by name.
func (e *Engine) statuses(app paas.App, rel paas.Release, observed []paas.Instance) []paas.InstanceStatus {
	var list []paas.InstanceStatus
	filled := map[string]bool{}
	for _, i := range observed {
		if i.Type == paas.RunType {
			continue
		}
		s := e.status(app, i)
		list = append(list, s)
		if s.State == paas.InstanceUp || s.State == paas.InstanceStarting {
			filled[i.Name] = true
		}
	}
	for _, slot := range desire(app, rel, e.memory.retryAt(app.ID)).Slots {
		if !filled[slot.Name] {
			list = append(list, e.missing(app, rel, slot))
		}
	}
	list = slices.DeleteFunc(list, func(s paas.InstanceStatus) bool { // what has been replaced is history
		return s.State == paas.InstanceCrashed && filled[s.Name]
	})
	return slices.CompactFunc(sortStatuses(list), func(a, b paas.InstanceStatus) bool { // a crash is shown once
		return a.Name == b.Name && a.State == paas.InstanceCrashed && b.State == paas.InstanceCrashed
	})
}

func sortStatuses(list []paas.InstanceStatus) []paas.InstanceStatus {
	slices.SortStableFunc(list, func(a, b paas.InstanceStatus) int {
		if c := compareNames(a.Name, b.Name); c != 0 {
			return c
		}
		if a.State == b.State {
			return b.Release - a.Release
		}
		return strings.Compare(string(a.State), string(b.State))
	})
	return list
}

// status of an instance that exists.
func (e *Engine) status(app paas.App, i paas.Instance) paas.InstanceStatus {
	s := paas.InstanceStatus{Name: i.Name, Type: i.Type, Release: i.Release, Size: i.Limits, State: paas.InstanceStarting}
	if !i.StartedAt.IsZero() {
		s.StartedAt = &i.StartedAt
	}
	c, crashed := e.memory.crash(app.ID, i.Name)
	if crashed && i.Release == app.Current {
		s.Restarts = c.Count
	}
	retiring, leaving := e.memory.retiringState(i.ID)
	switch {
	case leaving:
		s.State = retiring
	case !i.Running && i.Exited:
		s.State, s.ExitCode, s.Reason = paas.InstanceCrashed, &i.ExitCode, crashCause(i)
		if crashed && c.RetryAt.After(e.Now()) {
			s.NextRestartAt = &c.RetryAt
		}
	case e.memory.isHealthy(i.ID):
		s.State = paas.InstanceUp
	}
	return s
}

// missing is the status of a slot without a live instance.
func (e *Engine) missing(app paas.App, rel paas.Release, slot Slot) paas.InstanceStatus {
	s := paas.InstanceStatus{
		Name: slot.Name, Type: slot.Type, Release: rel.Version, Size: slot.Size.Or(e.DefaultSize), State: paas.InstanceStarting,
	}
	if slot.Down {
		s.State, s.Reason = paas.InstanceDown, "stopped"
		return s
	}
	if c, ok := e.memory.crash(app.ID, slot.Name); ok {
		s.State, s.Reason, s.Restarts, s.ExitCode = paas.InstanceCrashed, c.Reason, c.Count, &c.ExitCode
		if c.RetryAt.After(e.Now()) {
			s.NextRestartAt = &c.RetryAt
		}
	}
	return s
}

// state sums an app up.
func (e *Engine) state(app paas.App, rel paas.Release, observed []paas.Instance) paas.AppState {
	switch {
	case app.Maintenance:
		return paas.AppMaintenance
	case app.Paused:
		return paas.AppPaused
	case app.Current == 0:
		return paas.AppEmpty
	}
	up := map[string]bool{}
	for _, i := range observed {
		if i.Running && i.Release == app.Current && e.memory.isHealthy(i.ID) {
			up[i.Name] = true
		}
	}
	wanted, there := 0, 0
	for _, slot := range desire(app, rel, e.memory.retryAt(app.ID)).Slots {
		if !slot.Down {
			wanted++
			if up[slot.Name] {
				there++
			}
		}
	}
	switch there {
	case wanted:
		if wanted == 0 {
			return paas.AppDown
		}
		return paas.AppUp
	case 0:
		return paas.AppCrashed
	}
	return paas.AppDegraded
}
