package runtime

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"

	"paas"
)

// scripted is an engine whose answers a test holds back: what a gate is closed for waits until it is opened.
type scripted struct {
	installation string

	mu         sync.Mutex
	containers map[string]*container.State
	streams    map[int]chan events.Message
	next       int
	refusing   bool
	lists      int            // of everything
	appLists   int            // of one app
	inspects   map[string]int // by container
	listGate   chan struct{}
	gates      map[string]chan struct{} // of inspections, by container: closed to go on
	arrived    chan string              // "list" or the id of an inspection that has come to its gate
}

// newScripted is a runtime on an engine of these running containers, each of an app of the same name.
func newScripted(t *testing.T, ids ...string) (*Docker, *scripted) {
	t.Helper()
	s := &scripted{
		installation: newID(), containers: map[string]*container.State{}, streams: map[int]chan events.Message{}, inspects: map[string]int{},
		gates: map[string]chan struct{}{}, arrived: make(chan string, 100),
	}
	for _, id := range ids {
		s.containers[id] = running()
	}
	path := filepath.Join(t.TempDir(), "engine.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	mux.HandleFunc("/v1.41/containers/json", s.list)
	mux.HandleFunc("/v1.41/containers/{id}/json", s.inspect)
	mux.HandleFunc("/v1.41/containers/{id}/wait", func(w http.ResponseWriter, _ *http.Request) { s.answer(w, "", nil, container.WaitResponse{}) })
	mux.HandleFunc("/v1.41/events", s.stream)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	d, err := New(Options{Installation: s.installation, Host: "unix://" + path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		server.Close()
		serving.Wait()
	})
	return d, s
}

func running() *container.State {
	return &container.State{Status: container.StateRunning, Running: true, StartedAt: "2026-01-02T03:04:05Z"}
}

func ended(code int) *container.State {
	return &container.State{Status: container.StateExited, ExitCode: code, StartedAt: "2026-01-02T03:04:05Z", FinishedAt: "2026-01-02T03:05:00Z"}
}

// again is an instance that the engine has started again; a listing does not tell it from one that it has not.
func again() *container.State {
	s := running()
	s.FinishedAt = "2026-01-02T03:05:00Z"
	return s
}

// become changes a container, and says so to nobody.
func (s *scripted) become(id string, state *container.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.containers[id] = state
	if state == nil {
		delete(s.containers, id)
	}
}

// tell sends an event to every stream.
func (s *scripted) tell(id string, what events.Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stream := range s.streams {
		stream <- events.Message{Type: events.ContainerEventType, Action: what, Actor: events.Actor{ID: id, Attributes: map[string]string{labelAppID: id}}}
	}
}

// cut ends the event streams.
func (s *scripted) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, stream := range s.streams {
		close(stream)
		delete(s.streams, n)
	}
}

// refuse takes no new event streams, or takes them again.
func (s *scripted) refuse(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = on
}

// hold closes the gate of a container's inspections, or, for "list", that of listings. The caller opens it.
func (s *scripted) hold(what string) (open func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if what == "list" {
		s.listGate = gate
	} else {
		s.gates[what] = gate
	}
	return func() {
		s.mu.Lock()
		if what == "list" {
			s.listGate = nil
		} else {
			delete(s.gates, what)
		}
		s.mu.Unlock()
		close(gate)
	}
}

func (s *scripted) asked(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inspects[id]
}

// list answers with what was so before its gate, as an answer that is long on its way.
func (s *scripted) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	app := ""
	if _, after, found := strings.Cut(r.URL.Query().Get("filters"), labelAppID+"="); found {
		app, _, _ = strings.Cut(after, `"`)
		s.appLists++
	} else {
		s.lists++
	}
	found := []container.Summary{}
	for id, state := range s.containers {
		if app == "" || app == id {
			found = append(found, container.Summary{ID: id, Labels: map[string]string{labelAppID: id}, State: state.Status, Status: words(state)})
		}
	}
	gate := s.listGate
	s.mu.Unlock()
	s.answer(w, "list", gate, found)
}

func words(s *container.State) string {
	switch {
	case s.Running && s.Health != nil:
		return "Up 3 minutes (" + string(s.Health.Status) + ")"
	case s.Running:
		return "Up 3 minutes"
	}
	return "Exited (" + string(rune('0'+s.ExitCode)) + ") 2 seconds ago"
}

func (s *scripted) inspect(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.mu.Lock()
	s.inspects[id]++
	state, there := s.containers[id]
	gate := s.gates[id]
	s.mu.Unlock()
	if !there {
		http.Error(w, `{"message":"no such container"}`, http.StatusNotFound)
		return
	}
	s.answer(w, id, gate, container.InspectResponse{
		ID: id, State: state, Config: &container.Config{Labels: map[string]string{labelAppID: id}},
	})
}

func (s *scripted) answer(w http.ResponseWriter, what string, gate chan struct{}, v any) {
	if gate != nil {
		s.arrived <- what
		<-gate
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (s *scripted) stream(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.refusing {
		s.mu.Unlock()
		http.Error(w, `{"message":"not now"}`, http.StatusServiceUnavailable)
		return
	}
	n, mine := s.next, make(chan events.Message, 100)
	s.next++
	s.streams[n] = mine
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	out := http.NewResponseController(w)
	_ = out.Flush() // an error shows below
	for {
		select {
		case <-r.Context().Done():
			return
		case m, open := <-mine:
			if !open {
				return
			}
			if err := errors.Join(json.NewEncoder(w).Encode(m), out.Flush()); err != nil {
				return
			}
		}
	}
}

// heard runs Events for the length of a test, and gives what it tells.
func heard(t testing.TB, d *Docker) <-chan paas.InstanceEvent {
	t.Helper()
	told := make(chan paas.InstanceEvent, 1000)
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := d.Events(t.Context(), func(e paas.InstanceEvent) { told <- e }); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(watching.Wait)
	await(t, told, resync, "")
	return told
}

// await reads events up to one.
func await(t testing.TB, told <-chan paas.InstanceEvent, kind, id string) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case e := <-told:
			if e.Kind == kind && e.ID == id {
				return
			}
		case <-timeout:
			t.Fatalf("no %s of %s", kind, id)
		}
	}
}

// seen is what a look at everything shows, by id.
func seen(t *testing.T, d *Docker) map[string]paas.Instance {
	t.Helper()
	all, err := d.Instances(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]paas.Instance{}
	for _, i := range all {
		byID[i.ID] = i
	}
	return byID
}
