package main

import (
	"context"
	"slices"
	"time"

	"paas"
)

// Schedules of an app are those that were added, and one of its app.json.
func (p *platform) Schedules(_ context.Context, app string) ([]paas.ScheduleInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return nil, err
	}
	defer p.mu.Unlock()
	return a.schedules, nil
}

func (p *platform) AddSchedule(_ context.Context, app string, s paas.Schedule) (paas.ScheduleInfo, error) {
	if s.Name == "" {
		s.Name = s.DefaultName()
	}
	if err := s.Validate(); err != nil {
		return paas.ScheduleInfo{}, err
	}
	a, err := p.lock(app)
	if err != nil {
		return paas.ScheduleInfo{}, err
	}
	defer p.mu.Unlock()
	info := paas.ScheduleState{Schedule: s, User: "ada", Reached: clock}.Info(clock)
	a.schedules = append(a.schedules, info)
	return info, nil
}

// change alters a schedule of app, or, where fn says that it is not to stay, removes it.
func (p *platform) change(app, name string, fn func(s *paas.ScheduleInfo) (stays bool)) (paas.ScheduleInfo, error) {
	a, err := p.lock(app)
	if err != nil {
		return paas.ScheduleInfo{}, err
	}
	defer p.mu.Unlock()
	i := slices.IndexFunc(a.schedules, func(s paas.ScheduleInfo) bool { return s.Name == name })
	if i < 0 {
		return paas.ScheduleInfo{}, paas.Errorf(paas.NotFound, "there is no schedule %s", paas.Quote(name)).WithHint("paas cron")
	}
	changed := a.schedules[i]
	if fn(&changed) {
		a.schedules[i] = changed
	} else {
		a.schedules = slices.Delete(a.schedules, i, i+1)
	}
	return changed, nil
}

func (p *platform) SetSchedule(_ context.Context, app, name string, patch paas.SchedulePatch) (paas.ScheduleInfo, error) {
	return p.change(app, name, func(s *paas.ScheduleInfo) bool {
		s.Enabled, s.NextAt = *patch.Enabled, nil
		if next := clock.Add(time.Hour); s.Enabled {
			s.NextAt = &next
		}
		return true
	})
}

func (p *platform) RemoveSchedule(_ context.Context, app, name string) (paas.ScheduleInfo, error) {
	return p.change(app, name, func(*paas.ScheduleInfo) bool { return false })
}

func (p *platform) RunSchedule(_ context.Context, app, name string) (paas.RunInfo, error) {
	run := paas.RunInfo{Name: "run.1", Release: 2, User: "ada", Detached: true, Schedule: name, Status: paas.RunRunning, CreatedAt: clock}
	_, err := p.change(app, name, func(s *paas.ScheduleInfo) bool {
		s.Last = &paas.LastRunInfo{Run: run.Name, At: clock, Status: paas.RunExited, ExitCode: new(int)}
		return true
	})
	return run, err
}
