package build

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// safe is a writer that a test may read meanwhile.
type safe struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func TestBuildLogIsFollowedUntilTheBuildEnds(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(func(ctx context.Context, spec paas.ImageSpec, events func(paas.BuildEvent)) error {
		events(paas.BuildEvent{Step: "1", Name: "[1/1] RUN x", Output: []byte("early\n")})
		err := g.hold(ctx, spec, events)
		events(paas.BuildEvent{Step: "1", Output: []byte("late\n")})
		return err
	})
	c := w.checkout("hello")
	c.app()
	done := w.held(c, g)
	var log safe
	followed := make(chan error, 1)
	go func() { followed <- w.svc.BuildLog(t.Context(), "hello", 1, false, &log) }()
	eventually(t, "the log shows what was printed", func() bool { return strings.Contains(log.String(), "| early") })
	select {
	case err := <-followed:
		t.Fatalf("the follower left early: %v", err)
	default:
	}
	close(g.open)
	if err := receive(t, "the follower ends", followed); err != nil {
		t.Error(err)
	}
	receive(t, "the push ends", done).want(t, true)
	var whole strings.Builder
	if err := w.svc.BuildLog(t.Context(), "hello", 1, false, &whole); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.String(), log.String()); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(whole.String(), "| late") || !strings.Contains(whole.String(), "-----> Image sha256:") {
		t.Errorf("the log is\n%s", whole.String())
	}
}

func TestFollowerOfABuildLogMayLeave(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(g.hold)
	c := w.checkout("hello")
	c.app()
	done := w.held(c, g)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.svc.BuildLog(ctx, "hello", 1, false, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(g.open)
	receive(t, "the push ends", done).want(t, true)
}

func TestBuildLogIsBoundedAndStillSaysHowItEnded(t *testing.T) {
	w := newWorld(t, Options{MaxLogBytes: 1000})
	w.builder.plays(func(_ context.Context, _ paas.ImageSpec, events func(paas.BuildEvent)) error {
		for range 100 {
			events(paas.BuildEvent{Step: "1", Name: "[1/1] RUN x", Output: []byte(strings.Repeat("x", 100) + "\n")})
		}
		events(paas.BuildEvent{Step: "1", Error: "exit code: 3"})
		return paas.Errorf(paas.Failed, "x")
	})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, false)
	var log strings.Builder
	if err := w.svc.BuildLog(t.Context(), "hello", 1, false, &log); err != nil {
		t.Fatal(err)
	}
	if n := log.Len(); n > 1500 {
		t.Errorf("the log has %d bytes", n)
	}
	for _, want := range []string{"… the log is cut here: it is longer than 1000 bytes", "failed at [1/1] RUN x: exit code 3"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
}

func TestOldBuildLogsGo(t *testing.T) {
	logs := &buildLogs{dir: t.TempDir(), max: 100, open: map[jobKey]*buildLog{}}
	for id := 1; id <= keptLogs+3; id++ {
		if _, err := logs.create(jobKey{"abc", id}); err != nil {
			t.Fatal(err)
		}
		if err := logs.finish(jobKey{"abc", id}); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(filepath.Join(logs.dir, "abc"))
	if err != nil || len(left) != keptLogs {
		t.Errorf("%d logs are left, %v", len(left), err)
	}
}

func TestBuildsAreListedNewestFirst(t *testing.T) {
	w := newWorld(t, Options{})
	c := w.checkout("hello")
	first := c.app()
	c.push("main").want(t, true)
	second := c.commit(map[string]string{"x": "y"})
	c.push("main").want(t, true)
	builds, err := w.svc.Builds(t.Context(), "hello")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range builds {
		got = append(got, b.Commit+" "+string(b.Status)+" "+b.Image+" "+b.User+" "+b.Branch)
	}
	want := []string{second + " succeeded " + imageID + " ada main", first + " succeeded " + imageID + " ada main"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if b, err := w.svc.Build(t.Context(), "hello", 1); err != nil || b.Commit != first {
		t.Errorf("build 1: %+v, %v", b, err)
	}
	for _, id := range []int{0, -1, 3} {
		_, err := w.svc.Build(t.Context(), "hello", id)
		if paas.CodeOf(err) != paas.NotFound || paas.CodeOf(w.svc.BuildLog(t.Context(), "hello", id, false, io.Discard)) != paas.NotFound {
			t.Errorf("build %d: %v", id, err)
		}
	}
	if _, err := w.svc.Builds(t.Context(), "nosuch"); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("unknown app: %v", err)
	}
}

func TestBuildsOfAnEarlierPaasdAreMarkedFailed(t *testing.T) {
	w := newWorld(t, Options{})
	for _, status := range []paas.BuildStatus{paas.BuildPending, paas.BuildBuilding, paas.BuildSucceeded} {
		if _, err := w.records.AppendBuild(paas.Build{App: "idhello", Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.svc.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []paas.BuildStatus{paas.BuildFailed, paas.BuildFailed, paas.BuildSucceeded}
	if diff := cmp.Diff(want, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
	if b, _ := w.records.Build("idhello", 1); b.Error != "paasd stopped during the build" || b.FinishedAt.IsZero() {
		t.Errorf("got %+v", b)
	}
}

func TestBuilderThatDoesNotReadTheSourceIsFine(t *testing.T) {
	w := newWorld(t, Options{})
	w.svc.Images = deaf{}
	c := w.checkout("hello")
	c.commit(map[string]string{"Dockerfile": "FROM scratch\n", "big": noise(1 << 20)})
	c.push("main").want(t, false, " !     the Docker engine does not answer", "systemctl status docker")
	if diff := cmp.Diff([]paas.BuildStatus{paas.BuildFailed}, w.statuses("hello")); diff != "" {
		t.Error(diff)
	}
}

// deaf is the builder while the engine is away.
type deaf struct{}

func (d deaf) PullImage(ctx context.Context, _ string, spec paas.ImageSpec, events func(paas.BuildEvent)) (paas.Image, error) {
	return d.BuildImage(ctx, nil, spec, events)
}

func (deaf) BuildImage(context.Context, fs.FS, paas.ImageSpec, func(paas.BuildEvent)) (paas.Image, error) {
	return paas.Image{}, paas.Errorf(paas.Unavailable, "the Docker engine does not answer").WithHint("systemctl status docker")
}

func TestSourceThatCannotBeReadFailsTheBuild(t *testing.T) {
	w := newWorld(t, Options{})
	if err := w.repos.Create(t.Context(), "idhello"); err != nil {
		t.Fatal(err)
	}
	o, err := w.repos.objects("idhello", nil)
	if err != nil {
		t.Fatal(err)
	}
	src := source{commit: objectID(idA)}
	_, err = src.contents(t.Context(), o, func(error) {})
	if _, ok := errors.AsType[*gitError](err); !ok {
		t.Error(err)
	}
}

func TestSilentStepsAreAnnounced(t *testing.T) {
	w := newWorld(t, Options{})
	g := newGate()
	w.builder.plays(func(ctx context.Context, spec paas.ImageSpec, events func(paas.BuildEvent)) error {
		events(paas.BuildEvent{Step: "1", Name: "[1/1] RUN sleep 30", Started: time.Now()})
		return g.hold(ctx, spec, events)
	})
	c := w.checkout("hello")
	c.app()
	done := w.held(c, g)
	eventually(t, "the step is in the log", func() bool {
		text, err := os.ReadFile(w.svc.logs.path(jobKey{"idhello", 1}))
		return err == nil && strings.Contains(string(text), "[1/1] RUN sleep 30")
	})
	close(g.open)
	receive(t, "the push ends", done).want(t, true)
}

func TestABuildThatDoesNotEndIsEnded(t *testing.T) {
	w := newWorld(t, Options{Timeout: 2 * time.Second})
	w.builder.plays(func(ctx context.Context, _ paas.ImageSpec, _ func(paas.BuildEvent)) error {
		<-ctx.Done()
		return ctx.Err()
	})
	c := w.checkout("hello")
	c.app()
	c.push("main").want(t, false, " !     the build did not end within 2s", " !     paas build:set timeout=2h -a hello")
	if b, err := w.svc.Build(t.Context(), "hello", 1); err != nil || b.Status != paas.BuildFailed {
		t.Errorf("it %s: %v", b.Status, err)
	}
	w.builder.plays(nil) // and the app's lane is free
	c.push("main").want(t, true)
}
