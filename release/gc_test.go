package release

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

const month = 31 * 24 * time.Hour

// collects runs a collection of everything, and shows it a line a row.
func (w *world) collects(dryRun bool) (freed, kept []string) {
	w.t.Helper()
	found := must(w.Collect(context.Background(), dryRun, &progressLog{}))(w.t)
	if found.DryRun != dryRun {
		w.t.Errorf("dry run: %t", found.DryRun)
	}
	return rowsOf(found.Freed), rowsOf(found.Kept)
}

func rowsOf(rows []paas.Collected) []string {
	var lines []string
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%d %s %s", r.Count, r.Kind, r.Bytes))
	}
	return lines
}

func wantRows(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

func TestOldImagesAreCollectedAndKeptOnesAreNot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		for n := range 24 {
			w.mustPush(fmt.Sprintf("img%02d", n+1))
		}
		if _, _, err := w.push("crash", hello); err == nil {
			t.Fatal("it did not crash")
		}
		synctest.Wait()
		if n := len(w.runtime.stored()); n != 24 {
			t.Errorf("%d images within a month of their releases", n)
		}
		w.jump.Store(int64(month))
		w.mustPush("img25")
		synctest.Wait()
		stored := w.runtime.stored()
		if len(stored) != keepReleases || stored[0] != "img06" {
			t.Errorf("a month later: %v", stored)
		}
	})
}

func TestCollectFreesWhatNoAppCanGoBackToAndSaysWhatStays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		for n := range 25 {
			w.mustPush(fmt.Sprintf("img%02d", n+1))
		}
		w.runtime.store("nosuchapp", "of-an-app-long-gone")
		synctest.Wait()
		w.runtime.disk.set(func(d *fakeDisk) { d.cache = 13 * gigabyte })
		w.jump.Store(int64(month))

		before := w.runtime.stored()
		freed, kept := w.collects(true)
		wantRows(t, "a dry run would free", freed, "6 images 6 MB", "0 instances 0 B", "0 build cache 3 GB")
		wantRows(t, "and keep", kept, "20 images 20 MB", "0 build cache 10 GB")
		if diff := cmp.Diff(before, w.runtime.stored()); diff != "" {
			t.Errorf("a dry run has removed: %s", diff)
		}
		freed, kept = w.collects(false)
		wantRows(t, "freed", freed, "6 images 6 MB", "0 instances 0 B", "3 build cache 3 GB")
		wantRows(t, "kept", kept, "20 images 20 MB", "0 build cache 10 GB")
		if stored := w.runtime.stored(); stored[0] != "img06" || len(stored) != 20 {
			t.Errorf("there are %v", stored)
		}
		freed, _ = w.collects(false)
		wantRows(t, "freed by another", freed, "0 images 0 B", "0 instances 0 B", "0 build cache 0 B")
	})
}

func TestADestroyedAppsImagesGoWithTheLayersThatOnlyTheyShare(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.runtime.store("gone", "a", "b")
		freed, kept := w.collects(false)
		wantRows(t, "freed", freed, "2 images 102 MB", "0 instances 0 B", "0 build cache 0 B")
		wantRows(t, "kept", kept, "0 images 0 B", "0 build cache 0 B")
	})
}

func TestAnAppThatIsDestroyedTakesItsImagesAlong(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.runtime.store("another", "img2")
		if err := w.DestroyApp(context.Background(), "hello", &progressLog{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if stored := w.runtime.stored(); !slices.Equal(stored, []string{"img2"}) {
			t.Errorf("there are %v", stored)
		}
	})
}

func TestCollectLeavesImagesOfABuildUnderWayAndThoseInUse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		synctest.Wait()
		w.runtime.store(app.ID, "of-the-build")
		w.runtime.store("gone", "somebody-elses")
		w.runtime.disk.set(func(d *fakeDisk) { d.inUse = map[string]bool{"somebody-elses": true} })
		b := must(w.db.AppendBuild(paas.Build{App: app.ID, Commit: "c0ffee"}))(t)
		freed, kept := w.collects(false)
		wantRows(t, "freed", freed, "0 images 0 B", "0 instances 0 B", "0 build cache 0 B")
		wantRows(t, "kept", kept, "3 images 3 MB", "0 build cache 0 B")

		b.Status, b.Image = paas.BuildFailed, paas.Image{}
		if err := w.db.UpdateBuild(b); err != nil {
			t.Fatal(err)
		}
		w.collects(false)
		if diff := cmp.Diff([]string{"img1", "somebody-elses"}, w.runtime.stored()); diff != "" {
			t.Error(diff)
		}
	})
}

// dead puts an ended instance on the engine.
func (w *world) dead(app, typ, name string) string {
	w.runtime.mu.Lock()
	defer w.runtime.mu.Unlock()
	w.runtime.next++
	id := fmt.Sprintf("dead%d", w.runtime.next)
	i := paas.Instance{ID: id, App: app, Type: typ, Name: name, CreatedAt: time.Now(), Exited: true}
	w.runtime.place(&fakeInstance{Instance: i, exited: make(chan struct{})})
	return id
}

func (w *world) has(id string) bool {
	w.runtime.mu.Lock()
	defer w.runtime.mu.Unlock()
	return w.runtime.instances[id] != nil
}

func TestCollectRemovesEndedInstancesThatNothingAsksFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		synctest.Wait()
		app := must(w.db.AppByName("hello"))(t)
		over := must(w.db.AppendRun(paas.Run{App: app.ID, Status: paas.RunExited}, 0))(t)
		going := must(w.db.AppendRun(paas.Run{App: app.ID, Status: paas.RunRunning}, 0))(t)
		pending := must(w.db.AppendRelease(paas.Release{App: app.ID}, paas.Config{}))(t)
		gone := []string{
			w.dead(app.ID, paas.RunType, over.Name()), w.dead(app.ID, paas.RunType, "run.99"), w.dead(app.ID, paas.RunType, "release.1"),
			w.dead("nosuchapp", "web", "web.1"),
		}
		w.runtime.disk.set(func(d *fakeDisk) { d.left = []string{"a-look-into-an-image"} })
		needed := []string{
			w.dead(app.ID, paas.RunType, going.Name()), w.dead(app.ID, paas.RunType, paas.InstanceName(paas.ReleaseCommand, pending.Version)),
		}
		w.dead(app.ID, "web", "web.7") // not among the five: it is the next repair's, which may come at any time
		leaving := w.dead("nosuchapp", "web", "web.2")
		w.memory.setRetiring(leaving, paas.InstanceStopping)
		freed, _ := w.collects(false)
		wantRows(t, "freed", freed, "0 images 0 B", "5 instances 20 kB", "0 build cache 0 B")
		for _, id := range gone {
			if w.has(id) {
				t.Errorf("%s is still there", w.runtime.instances[id].Name)
			}
		}
		for _, id := range append(needed, leaving) {
			if !w.has(id) {
				t.Errorf("%s is gone and was needed", id)
			}
		}
		w.wantRunning("web.1 v1")
	})
}

func TestTheBuildCacheIsPrunedAfterDeploysButNotAfterEach(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.mustPush("img2")
		synctest.Wait()
		if got := w.runtime.disk.kept(); !slices.Equal(got, []paas.Bytes{10 * gigabyte}) {
			t.Errorf("after two deploys at once it was pruned to %v", got)
		}
		w.jump.Store(int64(cacheEvery))
		w.mustPush("img3")
		synctest.Wait()
		if got := w.runtime.disk.kept(); len(got) != 2 {
			t.Errorf("%s later it was pruned to %v", cacheEvery, got)
		}
	})
}

func TestABuildCacheThatIsNotOursToPruneIsLeftAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.BuildCache = 0
		w.runtime.disk.set(func(d *fakeDisk) { d.cache, d.missing = 99*gigabyte, gigabyte })
		w.create()
		w.mustPush("img1")
		synctest.Wait()
		freed, kept := w.collects(false)
		wantRows(t, "freed", freed, "0 images 0 B", "0 instances 0 B", "0 build cache 0 B")
		wantRows(t, "kept", kept, "1 images 1 MB", "0 build cache 99 GB")
		if got := w.runtime.disk.kept(); len(got) != 0 {
			t.Errorf("it was pruned to %v", got)
		}
	})
}

func TestTheBoundOfTheBuildCacheGivesWayToAShortDisk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, c := range []struct{ total, missing, keep paas.Bytes }{
			{total: 3 * gigabyte, missing: 0, keep: 10 * gigabyte},
			{total: 30 * gigabyte, missing: 0, keep: 10 * gigabyte},
			{total: 30 * gigabyte, missing: 1, keep: 10 * gigabyte},
			{total: 3 * gigabyte, missing: gigabyte, keep: 2 * gigabyte},
			{total: 3 * gigabyte, missing: 4 * gigabyte, keep: 0},
			{total: 0, missing: gigabyte, keep: 9 * gigabyte}, // not known: it may be at its bound
		} {
			w.runtime.disk.set(func(d *fakeDisk) { d.missing = c.missing })
			if keep, prune := w.cacheBound(context.Background(), c.total); keep != c.keep || !prune {
				t.Errorf("of %s, short of %s, %s are kept (%t), want %s", c.total, c.missing, keep, prune, c.keep)
			}
		}
	})
}

func TestCollectWorksWhereTheEngineTellsNoSizes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.runtime.store("gone", "a")
		w.runtime.disk.set(func(d *fakeDisk) { d.secret = true })
		freed, _ := w.collects(false)
		wantRows(t, "freed", freed, "1 images 0 B", "0 instances 0 B", "0 build cache 0 B")
		if stored := w.runtime.stored(); len(stored) != 0 {
			t.Errorf("there are %v", stored)
		}
	})
}

func TestCollectWithoutAnEngineSaysSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.runtime.engine(false)
		if _, err := w.Collect(context.Background(), false, &progressLog{}); paas.CodeOf(err) != paas.Unavailable {
			t.Error(err)
		}
		w.runtime.engine(true)
	})
}

func TestAFullDiskRefusesWhatWouldBeWrittenAndNothingElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		full := func(what string, err error) {
			t.Helper()
			if !paas.OutOfSpace(err) || paas.CodeOf(err) != paas.Unavailable {
				t.Errorf("%s: %v", what, err)
			}
		}
		w.runtime.disk.set(func(d *fakeDisk) { d.full = true })
		_, err := w.set("A", "1")
		full("config before the first release", err)
		w.runtime.disk.set(func(d *fakeDisk) { d.full = false })
		w.mustPush("img1")
		w.runtime.disk.set(func(d *fakeDisk) { d.full = true })
		_, err = w.CreateApp(context.Background(), "other")
		full("create", err)
		_, err = w.set("A", "1")
		full("config", err)
		_, _, err = w.push("img2", hello)
		full("push", err)
		if diff := cmp.Diff([]string{"succeeded Deploy 1a2b3c4 (current)"}, w.ledger()); diff != "" {
			t.Error(diff)
		}
		if _, err := w.Restart(context.Background(), "hello", "", &progressLog{}); err != nil {
			t.Errorf("a restart needs next to nothing: %v", err)
		}
		w.runtime.disk.set(func(d *fakeDisk) { d.full = false })
		w.mustPush("img2")
		w.wantRouted("", "web.1")
	})
}

func TestAnInstanceThatTheEngineHasNoSpaceForHoldsUpNoOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.Scale(context.Background(), "hello", paas.Formation{"web": 2}, &progressLog{}))(t)
		w.wantRouted("", "web.1", "web.2")
		w.runtime.disk.set(func(d *fakeDisk) { d.tooBig = "web.2" })
		one, two := w.instance("web.1").ID, w.instance("web.2").ID
		w.runtime.exit(two, 1)
		w.runtime.exit(one, 1)
		pass(3 * time.Second)
		w.wantRouted("", "web.1")
		if text := w.logs.text(); !strings.Contains(text, "paas[web.2]: Not up: start web.2: no space left on the Docker engine's disk") {
			t.Errorf("the log says\n%s", text)
		}
		w.runtime.disk.set(func(d *fakeDisk) { d.tooBig = "" })
		pass(5 * time.Minute)
		w.wantRouted("", "web.1", "web.2")
		w.runtime.disk.set(func(d *fakeDisk) { d.tooBig = "web.1" })
		if _, _, err := w.push("img2", hello); !paas.OutOfSpace(err) || !strings.HasPrefix(err.Error(), "v2 failed: start web.1: no space left on") {
			t.Errorf("a deploy: %v", err)
		}
		w.wantRouted("", "web.1", "web.2")
	})
}

func TestTheEndOfAnOperationThatTheStoreHadNoSpaceForIsRecordedLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		w.noEnds.Store(true)
		if _, _, err := w.push("img2", hello); !paas.OutOfSpace(err) {
			t.Errorf("a push: %v", err)
		}
		w.wantRunning("web.1 v1")
		if got := w.ledger()[1]; got != "pending Deploy 1a2b3c4" {
			t.Errorf("with a full disk v2 is %s", got)
		}
		pass(time.Minute)
		if got := w.ledger()[1]; got != "pending Deploy 1a2b3c4" {
			t.Errorf("a minute later v2 is %s", got)
		}
		w.noEnds.Store(false)
		pass(w.Timings.Sweep)
		synctest.Wait()
		if got := w.ledger()[1]; got != "failed Deploy 1a2b3c4" {
			t.Errorf("with space again v2 is %s", got)
		}
		w.mustPush("img3")
	})
}

func TestPaasdStartsOnAFullDiskThatKeepsItFromEndingWhatWasInterrupted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		must(w.db.AppendRelease(paas.Release{App: app.ID, Description: "Cut off"}, paas.Config{}))(t)
		w.halt()
		w.noEnds.Store(true)
		w.boot()
		w.wantRouted("", "web.1")
		w.noEnds.Store(false)
		pass(w.Timings.Sweep)
		synctest.Wait()
		if got := w.ledger()[1]; got != "failed Cut off" {
			t.Errorf("with space again v2 is %s", got)
		}
	})
}
