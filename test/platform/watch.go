package platform

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// EngineEvent is what the engine did to a container of the installation.
type EngineEvent struct {
	At      time.Time
	Action  string // create, start, kill, die, oom, destroy…
	ID      string
	App     string // its name
	Name    string // web.1
	Release string // "2"
	Signal  string // of kill: its number
}

// Watch collects the engine's events from now on.
type Watch struct {
	mu   sync.Mutex
	seen []EngineEvent
}

// Watch follows the engine until the test ends.
func (p *Platform) Watch(t testing.TB) *Watch {
	t.Helper()
	began := time.Now()
	ctx, stop := context.WithCancel(context.Background())
	// The engine counts in seconds; what is older is left out below.
	cmd := exec.CommandContext(ctx, "docker", "events", "--since", strconv.FormatInt(began.Unix(), 10), "--filter", "type=container",
		"--filter", "label=paas.installation="+p.Installation(), "--format", "{{json .}}")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		stop()
		t.Fatal(err)
	}
	w, done := &Watch{}, make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			w.note(lines.Bytes(), began)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
		_ = cmd.Wait() // killed
	})
	return w
}

func (w *Watch) note(line []byte, began time.Time) {
	var e struct {
		Action   string
		TimeNano int64 `json:"timeNano"`
		Actor    struct {
			ID         string
			Attributes map[string]string
		}
	}
	if json.Unmarshal(line, &e) != nil || time.Unix(0, e.TimeNano).Before(began) {
		return
	}
	labels := e.Actor.Attributes
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, EngineEvent{
		At: time.Unix(0, e.TimeNano), Action: e.Action, ID: e.Actor.ID,
		App: labels["paas.app"], Name: labels["paas.instance"], Release: labels["paas.release"], Signal: labels["signal"],
	})
}

// Seen are the events until now that match, oldest first.
func (w *Watch) Seen(match func(EngineEvent) bool) []EngineEvent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.seen), func(e EngineEvent) bool { return !match(e) })
}

// Await waits for the first event that matches.
func (w *Watch) Await(t testing.TB, what string, match func(EngineEvent) bool) (e EngineEvent) {
	t.Helper()
	WaitFor(t, Patience, what, func() error {
		found := w.Seen(match)
		if len(found) == 0 {
			return fmt.Errorf("the engine did %+v", w.Seen(func(EngineEvent) bool { return true }))
		}
		e = found[0]
		return nil
	})
	return e
}

// Signaled matches a signal, by its number, to a container.
func Signaled(id, signal string) func(EngineEvent) bool {
	return func(e EngineEvent) bool { return e.Action == "kill" && e.ID == id && e.Signal == signal }
}
