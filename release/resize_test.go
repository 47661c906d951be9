package release

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

var small = paas.Size{Memory: 512 << 20, CPU: 500}

func TestResizeReplacesTheInstancesOfTheTypesThatItNames(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		w.mustPush("img1")
		must(w.Scale(ctx, "hello", paas.Formation{"web": 2, "worker": 1}, &progressLog{}))(t)
		web, worker := w.instance("web.1").ID, w.instance("worker.1").ID
		ps := must(w.Resize(ctx, "hello", paas.Sizes{"web": small}, &progressLog{}))(t)
		if w.instance("web.1").ID == web || w.instance("worker.1").ID != worker {
			t.Error("not the instances of web alone were replaced")
		}
		if got := w.instance("web.2").spec.Size; got != small {
			t.Errorf("web.2 has %s", got)
		}
		w.wantRouted("", "web.1", "web.2")
		if n := len(w.ledger()); n != 1 {
			t.Errorf("%d releases", n)
		}
		if ps.Formation[0].Size != small || ps.Formation[1].Size != (paas.Size{}) || ps.Instances[1].Size != small {
			t.Errorf("%+v", ps)
		}
		wantSays(t, w.logs.text(), "Resize by paas: web=2 at 512mb:0.5cpu, worker=1")

		again := w.instance("web.1").ID
		must(w.Resize(ctx, "hello", paas.Sizes{"web": small}, &progressLog{}))(t)
		if w.instance("web.1").ID != again {
			t.Error("the same size replaced web.1")
		}
		must(w.Resize(ctx, "hello", paas.Sizes{"web": {}}, &progressLog{}))(t)
		if got := w.instance("web.1").spec.Size; got != (paas.Size{}) {
			t.Errorf("web.1 has %s after web=default", got)
		}
	})
}

func TestSizesStayThroughDeploysRollbacksRenamesAndScale(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		w.mustPush("img1")
		must(w.Resize(ctx, "hello", paas.Sizes{"web": small}, &progressLog{}))(t)
		has := func(when, slot string) {
			t.Helper()
			if got := w.instance(slot).spec.Size; got != small {
				t.Errorf("%s: %s has %q", when, slot, got)
			}
		}
		w.mustPush("img2")
		has("deploy", "web.1")
		must(w.Rollback(ctx, "hello", 1, &progressLog{}))(t)
		has("rollback", "web.1")
		must(w.Scale(ctx, "hello", paas.Formation{"web": 2}, &progressLog{}))(t)
		has("scale", "web.2")
		must(w.RenameApp(ctx, "hello", "hullo", &progressLog{}))(t)
		has("rename", "web.2")
	})
}

func TestResizeRefusesWhatCannotBe(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		if _, err := w.Resize(ctx, "hello", paas.Sizes{"web": small}, &progressLog{}); paas.CodeOf(err) != paas.Conflict {
			t.Errorf("before a release: %v", err)
		}
		w.mustPush("img1")
		for name, c := range map[string]struct {
			change paas.Sizes
			want   string
		}{
			"too much memory":     {paas.Sizes{"web": {Memory: 5 << 30}}, "5gb of memory is more than this host has: 4gb"},
			"too many processors": {paas.Sizes{"web": {CPU: 2100}}, "2.1cpu is more than this host has: 2cpu"},
			"no such type":        {paas.Sizes{"nosuch": small}, `there is no process type "nosuch"`},
			"the release command": {paas.Sizes{"release": small}, `there is no process type "release"`},
			"nothing":             {nil, "no process type given"},
			"less than none":      {paas.Sizes{"web": {Memory: -1}}, "is not a size"},
		} {
			if _, err := w.Resize(ctx, "hello", c.change, &progressLog{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if app := must(w.db.AppByName("hello"))(t); len(app.Sizes) != 0 {
			t.Errorf("sizes %v", app.Sizes)
		}
	})
}

func TestSizesOfAManifestAreForTypesThatNobodyHasResized(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		m := paas.Manifest{Sizes: paas.Sizes{"web": small}}
		_, out := w.mustPushWith("img1", m)
		wantSays(t, out, "Resized web=512mb:0.5cpu, as app.json has it")
		if got := w.instance("web.1").spec.Size; got != small {
			t.Errorf("web.1 has %q", got)
		}
		must(w.Resize(ctx, "hello", paas.Sizes{"web": {}}, &progressLog{}))(t)
		_, out = w.mustPushWith("img2", m)
		wantSays(t, out, "web stays at the default; app.json's 512mb:0.5cpu is for apps that were not resized yet")
		if got := w.instance("web.1").spec.Size; got != (paas.Size{}) {
			t.Errorf("web.1 has %q", got)
		}
		_, _, err := w.pushWith("img3", paas.Manifest{Sizes: paas.Sizes{"worker": {Memory: 1 << 40}}})
		if err == nil || !strings.Contains(err.Error(), "formation.worker.size of app.json: 1tb of memory is more than this host has") {
			t.Error(err)
		}
		if diff := cmp.Diff(paas.Sizes{"web": {}}, must(w.db.AppByName("hello"))(t).Sizes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAResizeThatDoesNotComeUpChangesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		w.mustPush("starves")
		id := w.instance("web.1").ID
		_, err := w.Resize(ctx, "hello", paas.Sizes{"web": {Memory: 8 << 20}}, &progressLog{})
		if err == nil || !strings.Contains(err.Error(), "the resize did not work and changed nothing: web.1 was killed at boot: out of memory") {
			t.Error(err)
		}
		if app := must(w.db.AppByName("hello"))(t); w.instance("web.1").ID != id || len(app.Sizes) != 0 {
			t.Errorf("sizes %v", app.Sizes)
		}
		w.wantRouted("", "web.1")
	})
}
