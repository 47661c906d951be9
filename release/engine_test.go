package release

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
	"paas/store"
)

// world is an engine over a real store and a fake host, in a synctest bubble where time costs nothing.
type world struct {
	*Engine
	t       *testing.T
	runtime *fakeRuntime
	router  *fakeRouter
	logs    *fakeLogs
	db      *store.DB
	dir     string
	halt    func()
}

func inWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, dir: dir, runtime: &fakeRuntime{instances: map[string]*fakeInstance{}}, router: &fakeRouter{routes: map[string]paas.Route{}},
			logs: &fakeLogs{},
		}
		w.boot()
		defer func() { w.halt() }()
		fn(t, w)
	})
}

// boot starts paasd's engine; halt, then boot, is a restart of paasd.
func (w *world) boot() {
	w.t.Helper()
	w.db = must(store.Open(w.dir, store.Options{}))(w.t)
	w.Engine = New(Deps{Store: w.db, Runtime: w.runtime, Router: w.router, Repos: fakeSource{}, Builds: fakeSource{}, Logs: w.logs}, Options{
		CheckHost: func(h string) (string, error) { return h, nil },
	})
	w.Engine.probe = w.runtime.probe
	if err := w.Recover(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Work(ctx) }()
	w.halt = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
		w.Close()
		if err := w.db.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

var hello = paas.ProcessTypes{{Name: "web", Command: "./hello"}, {Name: "worker", Command: "./hello worker"}}

// push deploys image as a build of its own.
func (w *world) push(image string, types paas.ProcessTypes) (paas.Release, string, error) {
	w.t.Helper()
	app := must(w.db.AppByName("hello"))(w.t)
	b := must(w.db.AppendBuild(paas.Build{App: app.ID, Commit: "1a2b3c4d5e"}))(w.t)
	b.Image, b.Types = paas.Image{ID: image}, types
	var out progressLog
	rel, err := w.Deploy(paas.WithUser(context.Background(), "ada"), app.ID, b, &out)
	return rel, out.String(), err
}

func (w *world) mustPush(image string) {
	w.t.Helper()
	if _, out, err := w.push(image, hello); err != nil {
		w.t.Fatalf("push %s: %v\n%s", image, err, out)
	}
}

func (w *world) create() {
	w.t.Helper()
	must(w.CreateApp(context.Background(), "hello"))(w.t)
}

func (w *world) set(pairs ...string) (paas.ConfigChange, error) {
	patch := paas.ConfigPatch{}
	for i := 0; i < len(pairs); i += 2 {
		patch[pairs[i]] = &pairs[i+1]
	}
	return w.SetConfig(context.Background(), "hello", patch, -1, &progressLog{})
}

// settle lets everything in the background that is due now come to rest.
func (w *world) settle() {
	synctest.Wait()
}

// instance is the newest that runs in a slot, once what is due now has happened.
func (w *world) instance(slot string) *fakeInstance {
	synctest.Wait()
	return w.runtime.find(slot)
}

func (w *world) wantRunning(want ...string) {
	w.t.Helper()
	synctest.Wait()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, w.runtime.running()); diff != "" {
		w.t.Errorf("running: %s", diff)
	}
}

// wantRouted checks which instances get requests, and that all of them run.
func (w *world) wantRouted(down string, want ...string) {
	w.t.Helper()
	app := must(w.db.AppByName("hello"))(w.t)
	route, _ := w.router.Route(app.ID)
	var got []string
	for _, b := range route.Backends {
		got = append(got, b.Instance)
		if w.runtime.probe(context.Background(), b.Addr) != "" {
			w.t.Errorf("%s is routed and does not listen", b.Instance)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || route.Down != down {
		w.t.Errorf("routed, down=%q: %s", route.Down, diff)
	}
}

func (w *world) ledger() []string {
	var list []string
	for _, r := range must(w.Releases(context.Background(), "hello"))(w.t) {
		line := string(r.Status) + " " + r.Description
		if r.Current {
			line += " (current)"
		}
		list = append([]string{line}, list...)
	}
	return list
}

func TestFirstDeployStartsOneWeb(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.wantRouted("H81")
		rel, out, err := w.push("img1", hello)
		if err != nil || rel.Version != 1 || rel.Status != paas.ReleaseSucceeded {
			t.Fatalf("%+v %v", rel, err)
		}
		if !strings.Contains(out, "v1 is live: http://hello.localhost/") {
			t.Errorf("progress:\n%s", out)
		}
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		if !w.instance("web.1").kept {
			t.Error("Docker would not restart web.1 while paasd is away")
		}
	})
}

func TestConfigBeforeTheFirstDeployGoesIntoV1(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		change, err := w.set("A", "1")
		if err != nil || change.Release != nil {
			t.Fatalf("%+v %v", change, err)
		}
		w.mustPush("img1")
		if env := w.instance("web.1").spec.Env; !slices.Contains(env, "A=1") || !slices.Contains(env, "PORT=5000") {
			t.Errorf("env %q", env)
		}
		if diff := cmp.Diff([]string{"succeeded Deploy 1a2b3c4 (current)"}, w.ledger()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestConfigSetIsOneReleaseAndNoneWhenNothingChanges(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		change, err := w.set("B", "2", "A", "1")
		if err != nil || change.Release == nil || change.Release.Description != "Set A, B config vars" || !change.Release.Current {
			t.Fatalf("%+v %v", change, err)
		}
		again, err := w.set("A", "1")
		if err != nil || again.Release != nil || len(again.Set) != 0 {
			t.Fatalf("%+v %v", again, err)
		}
		w.wantRunning("web.1 v2")
		w.wantRouted("", "web.1")
	})
}

func TestTwoConfigSetsAtOnceBothSurvive(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		var wg sync.WaitGroup
		for _, key := range []string{"A", "B", "C"} {
			wg.Go(func() {
				if _, err := w.set(key, "1"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		config, version, err := w.Config(context.Background(), "hello")
		if diff := cmp.Diff(paas.Config{"A": "1", "B": "1", "C": "1"}, config); diff != "" || err != nil {
			t.Error(diff, err)
		}
		_, err = w.SetConfig(context.Background(), "hello", paas.ConfigPatch{"A": nil}, version-1, &progressLog{})
		if paas.CodeOf(err) != paas.Stale {
			t.Errorf("a stale If-Match: %v", err)
		}
	})
}

func TestAFailedDeployChangesNothing(t *testing.T) {
	for _, c := range []struct{ name, image, want string }{
		{"exit at boot", "crash", "exited with status 1 at boot"},
		{"never listens", "mute", "did not listen on port 5000 ($PORT) within 1m0s: connection refused; it listens on 127.0.0.1:5000 only"},
		{"one of two types", "crash-not-web", "worker.1 exited with status 1 at boot"},
		{"release command", "norelease", "the release command exited with status 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.create()
				w.mustPush("img1")
				must(w.Scale(context.Background(), "hello", paas.Formation{"web": 2, "worker": 1}, &progressLog{}))(t)
				before := w.runtime.running()
				types := append(slices.Clone(hello), paas.ProcessType{Name: "release", Command: "./migrate"})
				rel, out, err := w.push(c.image, types)
				if paas.CodeOf(err) != paas.Failed || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "v1 goes on serving") {
					t.Errorf("error %v\n%s", err, out)
				}
				if rel.Version != 2 {
					t.Errorf("version %d", rel.Version)
				}
				w.wantRunning(before...)
				w.wantRouted("", "web.1", "web.2")
				if _, err := w.set("A", "1"); err != nil {
					t.Fatal(err)
				}
				if got := w.instance("web.1").spec.Image.ID; got != "img1" {
					t.Errorf("config:set after a failed deploy ships %s", got)
				}
				want := []string{"succeeded Deploy 1a2b3c4", "failed Deploy 1a2b3c4", "succeeded Set A config vars (current)"}
				if diff := cmp.Diff(want, w.ledger()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestAnExitAtBootFailsAtOnceAndSaysItsLastWords(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		began := time.Now()
		_, out, err := w.push("crash", hello)
		if took := time.Since(began); err == nil || took > time.Second {
			t.Errorf("took %s: %v", took, err)
		}
		if !strings.Contains(out, "its last words") {
			t.Errorf("progress:\n%s", out)
		}
		w.wantRunning()
		w.wantRouted("H81")
	})
}

func TestASlowReleaseGetsNoRequestBeforeItListens(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		done := make(chan error, 1)
		go func() {
			_, _, err := w.push("slow", hello)
			done <- err
		}()
		time.Sleep(5 * time.Second) // of the bubble's clock
		w.wantRunning("web.1 v1", "web.1 v2")
		w.wantRouted("", "web.1")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		w.wantRunning("web.1 v2")
		w.wantRouted("", "web.1")
	})
}

func TestScaleTouchesOnlyWhatItAddsOrRemoves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		first := w.instance("web.1").ID
		ps := must(w.Scale(context.Background(), "hello", paas.Formation{"web": 3, "worker": 1}, &progressLog{}))(t)
		if len(ps.Instances) != 4 || ps.Formation[0].Quantity != 3 {
			t.Errorf("%+v", ps)
		}
		w.wantRouted("", "web.1", "web.2", "web.3")
		must(w.Scale(context.Background(), "hello", paas.Formation{"web": 1}, &progressLog{}))(t)
		w.wantRunning("web.1 v1", "worker.1 v1")
		w.wantRouted("", "web.1")
		if w.instance("web.1").ID != first {
			t.Error("web.1 was replaced")
		}
		must(w.Scale(context.Background(), "hello", paas.Formation{"web": 0}, &progressLog{}))(t)
		w.wantRunning("worker.1 v1")
		w.wantRouted("H14")
		if n := len(w.ledger()); n != 1 {
			t.Errorf("%d releases", n)
		}
	})
}

func TestQuantitiesComeBackWithTheirType(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.Scale(context.Background(), "hello", paas.Formation{"worker": 2}, &progressLog{}))(t)
		if _, _, err := w.push("img2", hello[:1]); err != nil {
			t.Fatal(err)
		}
		w.wantRunning("web.1 v2")
		w.mustPush("img3")
		w.wantRunning("web.1 v3", "worker.1 v3", "worker.2 v3")
	})
}

func TestScaleRefusesWhatIsNotThere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		_, err := w.Scale(context.Background(), "hello", paas.Formation{"web": 2}, &progressLog{})
		if paas.CodeOf(err) != paas.Conflict {
			t.Errorf("before a release: %v", err)
		}
		w.mustPush("img1")
		for typ, n := range map[string]int{"nosuch": 1, "web": -1, "worker": 1000, "release": 1} {
			if _, err := w.Scale(context.Background(), "hello", paas.Formation{typ: n}, &progressLog{}); err == nil {
				t.Errorf("%s=%d", typ, n)
			}
		}
		w.wantRunning("web.1 v1")
	})
}

func TestRollbackBringsBackImageConfigAndTypes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.set("A", "old"))(t)
		if _, _, err := w.push("img2", hello[:1]); err != nil {
			t.Fatal(err)
		}
		must(w.set("A", "new"))(t)
		rel := must(w.Rollback(context.Background(), "hello", 2, &progressLog{}))(t)
		if rel.Version != 5 || rel.Description != "Rollback to v2" || rel.Image != "img1" || !rel.Current {
			t.Errorf("%+v", rel)
		}
		if env := w.instance("web.1").spec.Env; !slices.Contains(env, "A=old") {
			t.Errorf("env %q", env)
		}
		rel = must(w.Rollback(context.Background(), "hello", 0, &progressLog{}))(t)
		if rel.Description != "Rollback to v4" {
			t.Errorf("the newest succeeded before the current: %+v", rel)
		}
		for _, to := range []int{6, 99, -1} {
			if _, err := w.Rollback(context.Background(), "hello", to, &progressLog{}); err == nil {
				t.Errorf("rollback to %d", to)
			}
		}
	})
}

func TestRestartAndStop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		w.mustPush("img1")
		must(w.Scale(ctx, "hello", paas.Formation{"web": 2, "worker": 1}, &progressLog{}))(t)
		one, two := w.instance("web.1").ID, w.instance("web.2").ID
		must(w.Restart(ctx, "hello", "web.2", &progressLog{}))(t)
		if w.instance("web.1").ID != one || w.instance("web.2").ID == two {
			t.Error("restart of web.2 did not replace exactly web.2")
		}
		must(w.Stop(ctx, "hello", "worker", &progressLog{}))(t)
		w.wantRunning("web.1 v1", "web.2 v1")
		ps := must(w.Processes(ctx, "hello"))(t)
		if last := ps.Instances[2]; last.Name != "worker.1" || last.State != paas.InstanceDown {
			t.Errorf("%+v", last)
		}
		must(w.Restart(ctx, "hello", "", &progressLog{}))(t)
		w.wantRunning("web.1 v1", "web.2 v1", "worker.1 v1")
		if w.instance("web.1").ID == one {
			t.Error("restart of all left web.1")
		}
		if _, err := w.Restart(ctx, "hello", "nosuch", &progressLog{}); paas.CodeOf(err) != paas.NotFound {
			t.Error(err)
		}
	})
}

func TestACrashIsReplacedAtOnceThenWithGrowingDelays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		synctest.Wait()
		var delays []time.Duration
		for range 5 {
			crashed := w.instance("web.1")
			at := time.Now()
			w.runtime.exit(crashed.ID, 137)
			synctest.Wait()
			for w.instance("web.1") == nil {
				ps := must(w.Processes(context.Background(), "hello"))(t)
				if s := ps.Instances[0]; s.State != paas.InstanceCrashed || s.NextRestartAt == nil || *s.ExitCode != 137 {
					t.Fatalf("%+v", s)
				}
				w.wantRouted("H10")
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
			}
			delays = append(delays, time.Since(at).Round(time.Second))
			w.wantRouted("", "web.1")
		}
		if diff := cmp.Diff([]time.Duration{0, 1e9, 2e9, 4e9, 8e9}, delays); diff != "" {
			t.Error(diff)
		}
		must(w.set("A", "1"))(t)
		if ps := must(w.Processes(context.Background(), "hello"))(t); ps.Instances[0].Restarts != 0 {
			t.Errorf("a new release does not reset the count: %+v", ps.Instances[0])
		}
	})
}

func TestAStrayIsRemovedAndAMissingInstanceComesBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		must(w.runtime.Start(context.Background(), paas.InstanceSpec{App: app.ID, AppName: "hello", Type: "web", Name: "web.7", Release: 1}))(t)
		must(w.runtime.Start(context.Background(), paas.InstanceSpec{App: "nobody", AppName: "gone", Type: "web", Name: "web.1", Release: 1}))(t)
		if err := w.runtime.Remove(context.Background(), w.instance("web.1").ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second)
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
	})
}

func TestASickInstanceIsReplaced(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		sick := w.instance("web.1")
		w.runtime.sicken(sick)
		time.Sleep(45 * time.Second)
		w.wantRunning("web.1 v1")
		if w.instance("web.1").ID == sick.ID {
			t.Error("the sick instance is still there")
		}
		w.wantRouted("", "web.1")
	})
}

// TestRestartOfPaasd goes through what a kill at each point leaves behind.
func TestRestartOfPaasd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		before := w.instance("web.1").ID
		app := must(w.db.AppByName("hello"))(t)
		config := must(w.db.Config(app.ID, app.ConfigVersion))(t)
		pending := must(w.db.AppendRelease(paas.Release{App: app.ID, Image: paas.Image{ID: "img2"}, Types: hello, Description: "Deploy 2"}, config))(t)
		for _, slot := range []string{"web.1", "worker.1"} {
			typ, _, _ := paas.ParseInstanceName(slot)
			must(w.runtime.Start(context.Background(), paas.InstanceSpec{App: app.ID, AppName: "hello", Type: typ, Name: slot, Release: pending.Version}))(t)
		}
		w.halt()
		w.boot()
		time.Sleep(time.Minute)
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		if w.instance("web.1").ID != before {
			t.Error("the serving instance was replaced")
		}
		if diff := cmp.Diff([]string{"succeeded Deploy 1a2b3c4 (current)", "failed Deploy 2"}, w.ledger()); diff != "" {
			t.Error(diff)
		}
		detail := must(w.Release(context.Background(), "hello", 2))(t)
		if !strings.Contains(detail.Error, "paasd stopped") {
			t.Errorf("%+v", detail)
		}
	})
}

func TestTheEngineAwayAndBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.runtime.engine(false)
		if _, err := w.set("A", "1"); paas.CodeOf(err) != paas.Unavailable {
			t.Error(err)
		}
		if _, err := w.Processes(context.Background(), "hello"); paas.CodeOf(err) != paas.Unavailable {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		w.runtime.engine(true)
		time.Sleep(time.Minute)
		w.wantRunning("web.1 v1")
		w.wantRouted("", "web.1")
		must(w.set("A", "2"))(t)
		w.wantRunning("web.1 v3")
	})
}

func TestTheRouterAway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.router.answer(false)
		_, err := w.set("A", "1")
		if paas.CodeOf(err) != paas.Unavailable || !strings.Contains(err.Error(), "v2 is released") {
			t.Error(err)
		}
		w.wantRunning("web.1 v1", "web.1 v2")
		w.wantRouted("", "web.1")
		w.router.answer(true)
		time.Sleep(time.Minute)
		w.wantRunning("web.1 v2")
		w.wantRouted("", "web.1")
	})
}

func TestACanceledDeployLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_, err := w.Deploy(ctx, app.ID, paas.Build{Commit: "2", Image: paas.Image{ID: "slow"}, Types: hello}, &progressLog{})
		if paas.CodeOf(err) != paas.Canceled {
			t.Error(err)
		}
		w.wantRunning("web.1 v1")
		w.mustPush("img3")
		w.wantRunning("web.1 v3")
	})
}

func TestDestroyLeavesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		if err := w.DestroyApp(context.Background(), "hello", &progressLog{}); err != nil {
			t.Fatal(err)
		}
		w.wantRunning()
		if len(w.router.routes) != 0 {
			t.Error("the route is left")
		}
		w.create()
		w.wantRouted("H81")
	})
}

func TestRenameReplacesInstancesAndMovesTheHost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		id := must(w.db.AppByName("hello"))(t).ID
		info := must(w.RenameApp(context.Background(), "hello", "hullo", &progressLog{}))(t)
		if info.URL != "http://hullo.localhost/" || info.State != paas.AppUp {
			t.Errorf("%+v", info)
		}
		route, _ := w.router.Route(id)
		if diff := cmp.Diff([]string{"hullo.localhost"}, route.Hosts); diff != "" || len(route.Backends) != 1 {
			t.Error(diff, route)
		}
		w.wantRunning("web.1 v1")
	})
}

func TestRuns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		if _, err := w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"ls"}}); paas.CodeOf(err) != paas.Conflict {
			t.Errorf("before a release: %v", err)
		}
		w.mustPush("img1")
		run := must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"worker", "--once"}}))(t)
		if run.Name != "run.1" || run.Release != 1 {
			t.Errorf("%+v", run)
		}
		var out progressLog
		code, err := w.AttachRun(ctx, "hello", 1, paas.Stdio{Stdout: &out, Stderr: &out})
		if err != nil || code != 0 || out.String() != "./hello worker --once\n" {
			t.Errorf("%d %v %q", code, err, &out)
		}
		if _, err := w.AttachRun(ctx, "hello", 1, paas.Stdio{}); paas.CodeOf(err) != paas.Conflict {
			t.Errorf("attached twice: %v", err)
		}
		must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"sleep"}}))(t)
		gone, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := w.AttachRun(gone, "hello", 2, paas.Stdio{Stdout: &out, Stderr: &out}); err == nil {
			t.Error("a client that is gone ends its run")
		}
		detached := must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"x"}, Detach: true}))(t)
		w.wantRunning("run.3 v1", "web.1 v1")
		time.Sleep(time.Second)
		w.halt()
		w.boot()
		w.wantRunning("run.3 v1", "web.1 v1")
		w.runtime.exit(w.instance(detached.Name).ID, 7)
		synctest.Wait()
		last := must(w.Run(ctx, "hello", 3))(t)
		if last.Status != paas.RunExited || *last.ExitCode != 7 {
			t.Errorf("%+v", last)
		}
		must(w.CreateRun(ctx, "hello", paas.RunRequest{Command: []string{"x"}}))(t)
		time.Sleep(2 * time.Minute)
		if never := must(w.Run(ctx, "hello", 4))(t); never.Status != paas.RunFailed {
			t.Errorf("never attached: %+v", never)
		}
	})
}

func TestSecretsAreMaskedInReportsAndNotes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.set("SECRET", "its last words"))(t)
		_, out, err := w.push("crash", hello)
		detail := must(w.Release(context.Background(), "hello", 1))(t)
		for what, text := range map[string]string{"progress": out, "error": err.Error(), "ledger": detail.Error, "log": w.logs.text()} {
			if strings.Contains(text, "its last words") {
				t.Errorf("%s holds the secret: %s", what, text)
			}
		}
	})
}

func TestTheQueueIsBoundedAndCancelable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		release := make(chan struct{})
		app := must(w.db.AppByName("hello"))(t)
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = w.lanes.do(context.Background(), app.ID, "long work", &progressLog{}, func() error { <-release; return nil })
		})
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		var out progressLog
		for range maxQueued {
			wg.Go(func() {
				if _, err := w.Scale(ctx, "hello", paas.Formation{"web": 1}, &out); paas.CodeOf(err) != paas.Canceled {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if !strings.Contains(out.String(), "Waiting for the long work") {
			t.Errorf("progress: %s", &out)
		}
		if _, err := w.Scale(ctx, "hello", paas.Formation{"web": 1}, &out); paas.CodeOf(err) != paas.RateLimited {
			t.Error(err)
		}
		cancel()
		synctest.Wait()
		close(release)
		wg.Wait()
		w.wantRunning("web.1 v1")
	})
}
