package release

import (
	"context"
	"sync"
	"time"

	"paas"
)

// maxUnwritten bounds the events that wait to be written, so that a disk that does not answer costs no memory.
const maxUnwritten = 10_000

// recorder writes events behind the back of what they tell of: within milliseconds, those that gather meanwhile in one
// transaction. A kill -9 may lose the last ones; what they tell of has its own record.
type recorder struct {
	mu        sync.Mutex
	unwritten []paas.Event
	dropped   int
	writing   chan struct{} // closed when what is under way is written; nil when nothing is
}

// add takes an event and says whether the caller has to see to the writing.
func (r *recorder) add(ev paas.Event) (write bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.unwritten) == maxUnwritten {
		r.dropped++
		return false
	}
	r.unwritten = append(r.unwritten, ev)
	if r.writing != nil {
		return false
	}
	r.writing = make(chan struct{})
	return true
}

// take gives what is to be written next. After nil the writing is over.
func (r *recorder) take() (events []paas.Event, dropped int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	events, dropped = r.unwritten, r.dropped
	r.unwritten, r.dropped = nil, 0
	if len(events) == 0 {
		close(r.writing)
		r.writing = nil
	}
	return events, dropped
}

// written waits until all that was added before is written, or dropped.
func (r *recorder) written(ctx context.Context) error {
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

// event records what happened to an app now, and says it in the app's log stream if it has a text.
func (e *Engine) event(ev paas.Event) {
	ev.Time = e.Now().UTC().Truncate(time.Microsecond)
	if ev.Text != "" {
		e.Logs.Append(ev.App, paas.LogLine{Time: ev.Time, Source: paas.LogPaas, Process: ev.Actor(), Text: ev.Text})
	}
	if e.recorder.add(ev) && !e.background.begin(e.writeEvents) {
		e.writeEvents() // what the end of the engine's life does is recorded, too
	}
}

func (e *Engine) writeEvents() {
	for {
		events, dropped := e.recorder.take()
		if len(events) == 0 {
			return
		}
		if err := e.Store.AppendEvents(events); err != nil {
			e.Log.Error("events are not recorded", "events", len(events), "error", err)
		}
		if dropped > 0 {
			e.Log.Error("events are not recorded: the store does not keep up", "events", dropped)
		}
	}
}

// Events returns the newest events of app, at most limit, newest first.
func (e *Engine) Events(ctx context.Context, app string, limit int) ([]paas.EventInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	if err := e.recorder.written(ctx); err != nil {
		return nil, err
	}
	events, err := e.Store.Events(record.ID, limit)
	if err != nil {
		return nil, err
	}
	infos := make([]paas.EventInfo, len(events))
	for i, ev := range events {
		infos[i] = ev.Info()
	}
	return infos, nil
}
