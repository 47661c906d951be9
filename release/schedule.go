package release

import (
	"context"
	"fmt"
	"time"

	"paas"
)

const (
	// scheduleLook is how long the clock is trusted to go on as it does: it may jump.
	scheduleLook = 15 * time.Second
	// maxStarts is how many scheduled runs start at the same time, however many are due.
	maxStarts = 8
	// cronUser is whose the runs are that nobody asked for.
	cronUser = "cron"
)

// runSchedules runs what is due until ctx ends. It begins once the runs of an earlier process are seen to, so that none of them
// counts as under way that is lost.
func (e *Engine) runSchedules(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-e.recovered:
	}
	for {
		look := time.NewTimer(e.runDue())
		select {
		case <-ctx.Done():
			look.Stop()
			return nil
		case <-e.rescheduled:
		case <-look.C:
		}
		look.Stop()
	}
}

// reschedule has the schedules looked at now.
func (e *Engine) reschedule() {
	select {
	case e.rescheduled <- struct{}{}:
	default: // they are about to be
	}
}

// runDue runs what is due, and says when to look again.
func (e *Engine) runDue() time.Duration {
	all, err := e.Store.AllSchedules()
	e.sayOnce("schedules", err)
	if err != nil {
		return scheduleLook
	}
	wait := 24 * time.Hour // there are none
	for _, s := range all {
		now := e.Now()
		key := "schedule " + s.Schedule.Name + " of app " + s.App
		err := e.see(s, now)
		if paas.CodeOf(err) == paas.NotFound {
			err = nil // it has just been removed, or its app has
		}
		e.sayOnce(key, err)
		wait = min(wait, scheduleLook)
		if next, err := s.Next(now); err == nil && !next.IsZero() {
			wait = min(wait, max(next.Sub(now), time.Millisecond))
		}
	}
	return wait
}

// see sees to what of a schedule is due.
func (e *Engine) see(s paas.ScheduleState, now time.Time) error {
	if s.SetBack(now) {
		_, err := e.Store.UpdateSchedule(s.App, s.Schedule.Name, func(s *paas.ScheduleState) error {
			s.Reached = now
			return nil
		})
		return err
	}
	at, missed, err := s.Due(now)
	switch {
	case err != nil || at.IsZero() && s.Queued.IsZero():
		return err
	case at.IsZero():
		at = s.Queued
	case missed && !s.Schedule.CatchUp:
		return e.skip(s, at, "paasd was away then, or the clock was set past it")
	}
	return e.fire(s, at)
}

// fire begins a run of s for the time at, unless its overlap policy is against it. It is recorded together with the time as seen to
// before anything starts: whatever happens then, there is one run of each time at most.
func (e *Engine) fire(s paas.ScheduleState, at time.Time) error {
	e.scheduling.Lock()
	defer e.scheduling.Unlock()
	before, err := e.underWay(s)
	if err != nil {
		return err
	}
	switch policy := s.Schedule.Overlaps(); {
	case before == "" || policy == paas.OverlapAllow:
	case policy == paas.OverlapQueue:
		return e.queue(s, at)
	default:
		return e.skip(s, at, before+" had not ended")
	}
	run, sp, err := e.appendScheduled(s, at, cronUser)
	switch {
	case paas.CodeOf(err) == paas.Conflict && s.Schedule.Overlaps() == paas.OverlapQueue:
		return e.queue(s, at)
	case paas.CodeOf(err) == paas.Conflict:
		return e.skip(s, at, err.Error())
	case err != nil:
		return err
	}
	e.behind(func(life context.Context) {
		select {
		case e.starts <- struct{}{}:
			defer func() { <-e.starts }()
		case <-life.Done():
		}
		if _, err := e.startDetached(life, run, sp); err != nil {
			e.Log.Info("scheduled run did not start", "run", run.Name(), "schedule", run.Schedule, "error", err)
		}
	})
	return nil
}

// underWay names a run of s that has not ended; "": there is none.
func (e *Engine) underWay(s paas.ScheduleState) (string, error) {
	runs, err := e.Store.UnfinishedRuns()
	for _, r := range runs {
		if r.App == s.App && r.Schedule == s.Schedule.Name {
			return r.Name(), err
		}
	}
	return "", err
}

// appendScheduled records a run of s on the current release. A Conflict says why there can be none now.
func (e *Engine) appendScheduled(s paas.ScheduleState, at time.Time, user string) (run paas.Run, sp paas.InstanceSpec, err error) {
	app, err := e.Store.App(s.App)
	if err != nil {
		return run, sp, err
	}
	rel, config, err := e.current(app)
	if err != nil {
		return run, sp, err
	}
	req := paas.RunRequest{Command: s.Schedule.Command, Size: s.Schedule.Size, Timeout: s.Schedule.Timeout}
	if req.Timeout == 0 {
		req.Timeout = detachedTimeout
	}
	run, err = e.Store.AppendScheduledRun(paas.Run{
		App: app.ID, Release: rel.Version, Command: req.Command, User: user, Detached: true, Status: paas.RunPending,
		Size: runSize(app, rel, req), Timeout: req.Timeout, Schedule: s.Schedule.Name,
	}, e.MaxRuns, func(s *paas.ScheduleState, run paas.Run) {
		s.Last, s.Queued = paas.LastRun{Run: run.ID, At: at, Status: run.Status}, time.Time{}
		if user == cronUser && at.After(s.Reached) {
			s.Reached = at
		}
	})
	if err != nil {
		return run, sp, err
	}
	e.runCreated(run)
	if sp, err = runSpec(app, rel, config, run, req); err != nil {
		return run, sp, e.endRun(run, 0, err)
	}
	return run, sp, nil
}

// queue has a run wait for another to end. One waits at most: that of the first time.
func (e *Engine) queue(s paas.ScheduleState, at time.Time) error {
	if !s.Queued.IsZero() && !at.After(s.Reached) {
		return nil
	}
	_, err := e.Store.UpdateSchedule(s.App, s.Schedule.Name, func(s *paas.ScheduleState) error {
		if s.Queued.IsZero() {
			s.Queued = at
		}
		s.Reached = at
		return nil
	})
	return err
}

// skip leaves out the run of a time. What is so for the same reason as before is not said again.
func (e *Engine) skip(s paas.ScheduleState, at time.Time, reason string) error {
	_, err := e.Store.UpdateSchedule(s.App, s.Schedule.Name, func(s *paas.ScheduleState) error {
		s.Reached, s.Skipped = at, paas.Skipped{At: at, Reason: reason}
		return nil
	})
	if err == nil && s.Skipped.Reason != reason {
		e.event(paas.Event{
			App: s.App, Kind: paas.EventCronSkipped,
			Text: fmt.Sprintf("%s did not run at %s: %s", s.Schedule.Name, at.UTC().Format(time.RFC3339), reason),
		})
	}
	return err
}

// Schedules lists those of app by name.
func (e *Engine) Schedules(_ context.Context, app string) ([]paas.ScheduleInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	all, err := e.Store.Schedules(record.ID)
	infos := make([]paas.ScheduleInfo, len(all))
	for i, s := range all {
		infos[i] = s.Info(e.Now())
	}
	return infos, err
}

// AddSchedule adds one, named after its command if it has no name.
func (e *Engine) AddSchedule(ctx context.Context, app string, s paas.Schedule) (paas.ScheduleInfo, error) {
	if s.Name == "" && len(s.Command) > 0 {
		s.Name = s.DefaultName()
	}
	if err := s.Validate(); err != nil {
		return paas.ScheduleInfo{}, err
	}
	if err := e.fits(ctx, s.Size); err != nil {
		return paas.ScheduleInfo{}, err
	}
	if err := e.Room(); err != nil {
		return paas.ScheduleInfo{}, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.ScheduleInfo{}, err
	}
	state, err := e.Store.AddSchedule(paas.ScheduleState{App: record.ID, Schedule: s, User: paas.UserOf(ctx)})
	return e.scheduleSet(ctx, state, err, "added")
}

// RemoveSchedule removes one that a user has added. A run of it that is under way goes on.
func (e *Engine) RemoveSchedule(ctx context.Context, app, name string) (paas.ScheduleInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.ScheduleInfo{}, err
	}
	state, err := e.Store.RemoveSchedule(record.ID, name)
	return e.scheduleSet(ctx, state, err, "removed")
}

// SetSchedule enables or disables one. The times at which it is disabled are none that are caught up with.
func (e *Engine) SetSchedule(ctx context.Context, app, name string, patch paas.SchedulePatch) (paas.ScheduleInfo, error) {
	if patch.Enabled == nil {
		return paas.ScheduleInfo{}, paas.Errorf(paas.Invalid, "nothing to change is given").WithHint("paas cron:disable NAME")
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.ScheduleInfo{}, err
	}
	now, did := e.Now(), "disabled"
	if *patch.Enabled {
		did = "enabled"
	}
	state, err := e.Store.UpdateSchedule(record.ID, name, func(s *paas.ScheduleState) error {
		if s.Disabled && *patch.Enabled {
			s.Reached = now
		}
		s.Disabled = !*patch.Enabled
		if s.Disabled {
			s.Queued = time.Time{}
		}
		return nil
	})
	return e.scheduleSet(ctx, state, err, did)
}

// scheduleSet tells of a change of a schedule.
func (e *Engine) scheduleSet(ctx context.Context, s paas.ScheduleState, err error, did string) (paas.ScheduleInfo, error) {
	if err != nil {
		return paas.ScheduleInfo{}, err
	}
	e.event(paas.Event{App: s.App, Kind: paas.EventCron, User: paas.UserOf(ctx), Text: fmt.Sprintf("%s %s by %s", s.Schedule.Name, did, paas.UserOf(ctx))})
	e.reschedule()
	return s.Info(e.Now()), nil
}

// RunSchedule runs one now, whenever it is due, disabled or not.
func (e *Engine) RunSchedule(ctx context.Context, app, name string) (paas.RunInfo, error) {
	run, sp, err := e.fireNow(paas.UserOf(ctx), app, name)
	if err != nil {
		return paas.RunInfo{}, err
	}
	return e.startDetached(ctx, run, sp)
}

func (e *Engine) fireNow(user, app, name string) (run paas.Run, sp paas.InstanceSpec, err error) {
	e.scheduling.Lock()
	defer e.scheduling.Unlock()
	record, err := e.Store.AppByName(app)
	if err != nil {
		return run, sp, err
	}
	state, err := e.Store.Schedule(record.ID, name)
	if err != nil {
		return run, sp, err
	}
	before, err := e.underWay(state)
	if err != nil {
		return run, sp, err
	}
	if before != "" && state.Schedule.Overlaps() != paas.OverlapAllow {
		return run, sp, paas.Errorf(paas.Conflict, "%s runs already, as %s, and its overlap policy is %s", name, before, state.Schedule.Overlaps()).
			WithHint("paas logs --tail --process %s -a %s, or: paas run:stop %s -a %s", before, app, before, app)
	}
	return e.appendScheduled(state, e.Now(), user)
}
