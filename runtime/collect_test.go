package runtime

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// sink keeps lines in memory.
type sink struct {
	mu    sync.Mutex
	lines []paas.LogLine
}

func (s *sink) Append(_ string, l paas.LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
}

func (s *sink) Last(_, instanceID string) (time.Time, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var t time.Time
	n := 0
	for _, l := range s.lines {
		if l.Instance != instanceID {
			continue
		}
		if !l.Time.Equal(t) {
			t, n = l.Time, 0
		}
		n++
	}
	return t, n
}

func (s *sink) texts(instance string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts := []string{}
	for _, l := range s.lines {
		if l.Instance == instance {
			texts = append(texts, l.Text)
		}
	}
	return texts
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.lines)
}

// collect runs Collect until the test ends or the returned function is called.
func collect(t *testing.T, d *Docker, s LogSink) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Collect(ctx, s) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestCollectKeepsLinesOfBothStreamsInOrder(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	s := &sink{}
	before := start(t, d, newSpec("web", "lines", "3000"))
	collect(t, d, s)
	after := start(t, d, newSpec("worker", "lines", "3000"))
	want := make([]string, 3000)
	for i := range want {
		want[i] = fmt.Sprint("line ", i)
	}
	for _, i := range []paas.Instance{before, after} {
		eventually(t, "all lines are there", func() bool { return len(s.texts(i.ID)) >= len(want) })
		if diff := cmp.Diff(inOrderOfStreams(want), inOrderOfStreams(s.texts(i.ID))); diff != "" {
			t.Error(diff)
		}
	}
	if l := s.lines[0]; l.Source != paas.LogApp || l.Process != "web.1" || l.Time.Location() != time.UTC || time.Since(l.Time) > time.Hour {
		t.Errorf("line %+v", l)
	}
}

// inOrderOfStreams sorts by stream only: the two of a process are two pipes, of which nobody knows which was first.
func inOrderOfStreams(lines []string) [2][]string {
	var streams [2][]string
	for _, l := range lines {
		n, _ := strconv.Atoi(strings.TrimPrefix(l, "line ")) // another line counts as of the first stream
		streams[n%2] = append(streams[n%2], l)
	}
	return streams
}

func TestCollectKeepsBytesAndChunksLongLines(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	s := &sink{}
	collect(t, d, s)
	i := start(t, d, newSpec("web", "bytes"))
	want := []string{
		"\xff\xfe bytes \x00 and\ttab\r", "", strings.Repeat("x", 10_000), strings.Repeat("x", 10_000), strings.Repeat("x", 5_000), "unfinished",
	}
	eventually(t, "all lines are there", func() bool { return len(s.texts(i.ID)) >= len(want) })
	if diff := cmp.Diff(want, s.texts(i.ID)); diff != "" {
		t.Error(diff)
	}
	tail, err := d.Tail(t.Context(), i.ID, 1)
	if err != nil || len(tail) != 1 || tail[0] != "unfinished" {
		t.Errorf("tail %q, %v", tail, err)
	}
}

func TestCollectTakesUpWhereItWasWithoutGapOrRepeat(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	s := &sink{}
	i := start(t, d, newSpec("web", "flood", "20000", "wait"))
	for {
		seen := s.count()
		stop := collect(t, d, s)
		eventually(t, "some more lines are there", func() bool { return s.count() > min(seen+500, 20_000) })
		stop()
		if s.count() > 20_000 {
			break
		}
	}
	wantFlood(t, s.texts(i.ID), 20_000)
}

// wantFlood checks the lines of a flood, the last of which is "ready".
func wantFlood(t *testing.T, got []string, n int) {
	t.Helper()
	if len(got) != n+1 {
		t.Errorf("%d lines, want %d", len(got), n+1)
	}
	for i := range min(len(got), n) {
		if !strings.HasPrefix(got[i], fmt.Sprintf("%010d", i)) {
			t.Fatalf("line %d is %q", i, got[i])
		}
	}
}

// The engine rotates its files twice here, and keeps all of them.
func TestCollectLosesNothingWhenTheEngineRotates(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	s := &sink{}
	collect(t, d, s)
	const n = 200_000
	i := start(t, d, newSpec("web", "flood", fmt.Sprint(n), "wait"))
	eventually(t, "all lines are there", func() bool { return s.count() > n })
	wantFlood(t, s.texts(i.ID), n)
}

func TestCollectLeavesOutAttachedRuns(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	s := &sink{}
	collect(t, d, s)
	run(t, d, paas.Stdio{}, nil, "lines", "10")
	i := start(t, d, newSpec("web", "lines", "10"))
	eventually(t, "the lines are there", func() bool { return len(s.texts(i.ID)) == 10 })
	if s.count() != 10 {
		t.Errorf("%d lines", s.count())
	}
}

func TestRemoveWaitsUntilTheLogIsCollected(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	s := &sink{}
	collect(t, d, s)
	for range 5 {
		i := start(t, d, newSpec("web", "lines", "500"))
		if _, err := d.Wait(t.Context(), i.ID); err != nil {
			t.Fatal(err)
		}
		if err := d.Remove(t.Context(), i.ID); err != nil {
			t.Fatal(err)
		}
		if got := len(s.texts(i.ID)); got != 500 {
			t.Errorf("%d lines", got)
		}
	}
}

func TestCollectFollowsAnInstanceThatTheEngineRestarts(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	s := &sink{}
	collect(t, d, s)
	spec := newSpec("web", "crash")
	c, err := d.create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Keep(t.Context(), c.id); err != nil {
		t.Fatal(err)
	}
	if err := d.ensureNetwork(t.Context(), spec.App, spec.AppName, spec.Subnet); err != nil {
		t.Fatal(err)
	}
	if err := d.start(t.Context(), c.id); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both lives are in the log", func() bool { return slices.Contains(s.texts(c.id), "ready") })
	if diff := cmp.Diff([]string{"crash", "again", "ready"}, s.texts(c.id)); diff != "" {
		t.Error(diff)
	}
}

func TestEventsTellWhatHappens(t *testing.T) {
	t.Parallel()
	d := newDocker(t)
	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan paas.InstanceEvent, 100)
	done := make(chan error)
	go func() { done <- d.Events(ctx, func(e paas.InstanceEvent) { events <- e }) }()
	if e := <-events; e.Kind != "resync" || e.App != "" {
		t.Errorf("first %+v", e)
	}
	i := start(t, d, newSpec("web", "exit", "0"))
	if _, err := d.Wait(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"start", "die", "destroy"} {
		if diff := cmp.Diff(paas.InstanceEvent{App: i.App, ID: i.ID, Name: "web.1", Kind: kind}, <-events); diff != "" {
			t.Error(diff)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
