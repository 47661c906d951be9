package release

import (
	"context"
	"errors"
	"sync"
	"time"

	"paas"
)

// maxUnwritten bounds the records that wait to be written, so that a disk that does not answer costs no memory.
const maxUnwritten = 10_000

// recorder writes records of what happened behind the back of what they tell of: within milliseconds, those that gather meanwhile
// in one transaction. A kill -9 may lose the last ones; what they tell of has its own record.
type recorder[T any] struct {
	mu        sync.Mutex
	unwritten []T
	dropped   int
	writing   chan struct{} // closed when what is under way is written; nil when nothing is
}

// add takes a record and says whether the caller has to see to the writing.
func (r *recorder[T]) add(record T) (write bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.unwritten) == maxUnwritten {
		r.dropped++
		return false
	}
	r.unwritten = append(r.unwritten, record)
	if r.writing != nil {
		return false
	}
	r.writing = make(chan struct{})
	return true
}

// take gives what is to be written next. After nil the writing is over.
func (r *recorder[T]) take() (records []T, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	records, dropped = r.unwritten, r.dropped
	r.unwritten, r.dropped = nil, 0
	if len(records) == 0 {
		close(r.writing)
		r.writing = nil
	}
	return records, dropped
}

// written waits until all that was added before is written, or dropped.
func (r *recorder[T]) written(ctx context.Context) error {
	r.mu.Lock()
	writing := r.writing
	r.mu.Unlock()
	if writing == nil {
		return nil
	}
	select {
	case <-writing:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// record has recorder write a record, in the background as long as the engine lives: what the end of its life does is recorded,
// too. what names such records, for the log.
func record[T any](e *Engine, r *recorder[T], what string, one T, write func([]T) error) {
	if !r.add(one) {
		return
	}
	writeAll := func() {
		for {
			records, dropped := r.take()
			if len(records) == 0 {
				return
			}
			if err := write(records); err != nil {
				e.Log.Error("not recorded", "what", what, "number", len(records), "error", err)
			}
			if dropped > 0 {
				e.Log.Error("not recorded: the store does not keep up", "what", what, "number", dropped)
			}
		}
	}
	if !e.background.begin(writeAll) {
		writeAll()
	}
}

// event records what happened to an app now, and says it in the app's log stream if it has a text.
func (e *Engine) event(ev paas.Event) {
	ev.Time = e.Now().UTC().Truncate(time.Microsecond)
	if ev.Text != "" {
		e.Logs.Append(ev.App, paas.LogLine{Time: ev.Time, Source: paas.LogPaas, Process: ev.Actor(), Text: ev.Text})
	}
	record(e, &e.recorder, "events", ev, e.Store.AppendEvents)
}

// RecordChange records a change for the audit.
func (e *Engine) RecordChange(c paas.Change) {
	record(e, &e.changes, "changes", c, e.Store.AppendChanges)
}

// AppID returns the id of the app of that name; empty if there is none.
func (e *Engine) AppID(name string) string {
	app, err := e.Store.AppByName(name)
	if err != nil {
		return "" // a change that names an app is recorded all the same
	}
	return app.ID
}

// Events returns what q selects, newest first.
func (e *Engine) Events(ctx context.Context, q paas.EventQuery) ([]paas.EventInfo, error) {
	id := ""
	if q.App != "" {
		app, err := e.Store.AppByName(q.App)
		if err != nil {
			return nil, err
		}
		id = app.ID
	}
	if err := errors.Join(e.recorder.written(ctx), e.changes.written(ctx)); err != nil {
		return nil, err
	}
	changes, err := e.Store.Changes(id, q.Limit)
	if err != nil {
		return nil, err
	}
	infos := make([]paas.EventInfo, 0, q.Limit)
	for _, c := range changes {
		infos = append(infos, c.Info())
	}
	if id == "" || q.Changes {
		return infos, nil
	}
	events, err := e.Store.Events(id, q.Limit)
	if err != nil {
		return nil, err
	}
	return merged(infos, events, q), nil
}

// merged puts events among changes by their times, both newest first. Each keeps its own order though a clock was set back.
func merged(changes []paas.EventInfo, events []paas.Event, q paas.EventQuery) []paas.EventInfo {
	all := make([]paas.EventInfo, 0, q.Limit)
	for len(all) < q.Limit && len(changes)+len(events) > 0 {
		if len(events) == 0 || len(changes) > 0 && changes[0].Time.After(events[0].Time) {
			all, changes = append(all, changes[0]), changes[1:]
			continue
		}
		all, events = append(all, events[0].Info(q.App)), events[1:]
	}
	return all
}
