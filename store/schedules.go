package store

import (
	"fmt"

	"go.etcd.io/bbolt"

	"paas"
)

// Schedules returns the app's schedules, by name; never nil.
func (db *DB) Schedules(id string) ([]paas.ScheduleState, error) {
	return view(db, "list schedules of app "+id, func(tx *bbolt.Tx) ([]paas.ScheduleState, error) {
		b, err := of(tx, bucketSchedules, id)
		if err != nil {
			return nil, err
		}
		return list[paas.ScheduleState](b)
	})
}

// Schedule returns one; NotFound if there is none.
func (db *DB) Schedule(id, name string) (paas.ScheduleState, error) {
	return view(db, "read schedule of app "+id, func(tx *bbolt.Tx) (paas.ScheduleState, error) {
		s, _, err := getSchedule(tx, id, name)
		return s, err
	})
}

// AllSchedules returns those of all apps; never nil.
func (db *DB) AllSchedules() ([]paas.ScheduleState, error) {
	return view(db, "list schedules", func(tx *bbolt.Tx) ([]paas.ScheduleState, error) {
		all := []paas.ScheduleState{}
		top := tx.Bucket(bucketSchedules)
		err := top.ForEachBucket(func(id []byte) error {
			some, err := list[paas.ScheduleState](top.Bucket(id))
			all = append(all, some...)
			return err
		})
		return all, err
	})
}

// AddSchedule records a schedule of the app s.App, which has come as far as now. Conflict if the app has one of that name, or
// as many as it may have.
func (db *DB) AddSchedule(s paas.ScheduleState) (paas.ScheduleState, error) {
	return update(db, "add schedule of app "+s.App, func(tx *bbolt.Tx) (paas.ScheduleState, error) {
		b, err := of(tx, bucketSchedules, s.App)
		if err != nil {
			return s, err
		}
		if b.Get([]byte(s.Schedule.Name)) != nil {
			return s, paas.Errorf(paas.Conflict, "there already is a schedule %s", paas.Quote(s.Schedule.Name)).
				WithHint("give another name with --name, or remove that one first: paas cron")
		}
		if n := b.Stats().KeyN; n >= paas.MaxSchedules {
			return s, paas.Errorf(paas.Conflict, "the app has %d schedules, as many as it may have", n).WithHint("paas cron:remove NAME")
		}
		s.Reached = db.timestamp()
		return s, put(b, []byte(s.Schedule.Name), s)
	})
}

// RemoveSchedule removes a schedule that users have added, and returns it. NotFound if there is none; Conflict for one of the
// app.json.
func (db *DB) RemoveSchedule(id, name string) (paas.ScheduleState, error) {
	return update(db, "remove schedule of app "+id, func(tx *bbolt.Tx) (paas.ScheduleState, error) {
		s, b, err := getSchedule(tx, id, name)
		if err != nil {
			return s, err
		}
		if s.Declared {
			return s, paas.Errorf(paas.Conflict, "the schedule %s comes from the app.json of the current release", name).
				WithHint("remove it there and push, or: paas cron:disable %s", name)
		}
		return s, b.Delete([]byte(name))
	})
}

// UpdateSchedule lets change alter the state of a schedule and keeps it, in one transaction; NotFound if there is none. change
// must not call the store.
func (db *DB) UpdateSchedule(id, name string, change func(*paas.ScheduleState) error) (paas.ScheduleState, error) {
	return update(db, "update schedule of app "+id, func(tx *bbolt.Tx) (paas.ScheduleState, error) {
		return changeSchedule(tx, id, name, change)
	})
}

// AppendScheduledRun is AppendRun and UpdateSchedule, of the schedule r.Schedule, in one transaction: a time of a schedule that
// has a run is seen to, and one that is seen to has it.
func (db *DB) AppendScheduledRun(r paas.Run, atMost int, change func(s *paas.ScheduleState, r paas.Run)) (paas.Run, error) {
	return update(db, "append run of schedule "+r.Schedule+" of app "+r.App, func(tx *bbolt.Tx) (paas.Run, error) {
		run, err := db.appendRun(tx, r, atMost)
		if err != nil {
			return run, err
		}
		_, err = changeSchedule(tx, r.App, r.Schedule, func(s *paas.ScheduleState) error {
			change(s, run)
			return nil
		})
		return run, err
	})
}

func changeSchedule(tx *bbolt.Tx, id, name string, change func(*paas.ScheduleState) error) (paas.ScheduleState, error) {
	s, b, err := getSchedule(tx, id, name)
	if err != nil {
		return s, err
	}
	if err := change(&s); err != nil {
		return s, err
	}
	if s.App != id || s.Schedule.Name != name {
		return s, fmt.Errorf("app and name of schedule %s cannot be changed", name)
	}
	return s, put(b, []byte(name), s)
}

func getSchedule(tx *bbolt.Tx, id, name string) (paas.ScheduleState, *bbolt.Bucket, error) {
	b, err := of(tx, bucketSchedules, id)
	if err != nil {
		return paas.ScheduleState{}, nil, err
	}
	s, ok, err := get[paas.ScheduleState](b, []byte(name))
	if err == nil && !ok {
		err = missing("schedule "+paas.Quote(name), "paas cron")
	}
	return s, b, err
}

// ranFor tells the schedule whose newest run r is how that stands.
func ranFor(tx *bbolt.Tx, r paas.Run) error {
	if r.Schedule == "" {
		return nil
	}
	_, err := changeSchedule(tx, r.App, r.Schedule, func(s *paas.ScheduleState) error {
		if s.Last.Run == r.ID {
			s.Last.Status, s.Last.ExitCode, s.Last.Error = r.Status, r.ExitCode, r.Error
		}
		return nil
	})
	if paas.CodeOf(err) == paas.NotFound {
		return nil // it has been removed since
	}
	return err
}

// declare makes the app's schedules those that r declares, besides those that users have added. What was declared before, just
// so, goes on as it is; of two with one name the users' stays.
func (db *DB) declare(tx *bbolt.Tx, r paas.Release) error {
	b, err := of(tx, bucketSchedules, r.App)
	if err != nil {
		return err
	}
	have, err := list[paas.ScheduleState](b)
	if err != nil {
		return err
	}
	before := map[string]paas.ScheduleState{}
	for _, s := range have {
		before[s.Schedule.Name] = s
		if !s.Declared {
			continue
		}
		if err := b.Delete([]byte(s.Schedule.Name)); err != nil {
			return err
		}
	}
	for _, declared := range r.Schedules {
		s, there := before[declared.Name]
		if there && !s.Declared {
			continue
		}
		if !there || s.Schedule.Cron != declared.Cron || s.Schedule.Timezone != declared.Timezone {
			s.App, s.Declared, s.Reached = r.App, true, db.timestamp()
		}
		s.Schedule = declared
		if err := put(b, []byte(declared.Name), s); err != nil {
			return err
		}
	}
	return nil
}
