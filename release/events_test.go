package release

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// happened lists what the app's events tell, oldest first, as "kind instance".
func (w *world) happened() []string {
	w.t.Helper()
	var list []string
	for _, ev := range slices.Backward(must(w.Events(context.Background(), paas.EventQuery{App: "hello", Limit: 1000}))(w.t)) {
		list = append(list, strings.TrimSpace(string(ev.Kind)+" "+ev.Instance))
	}
	return list
}

func TestTheStepsOfADeployAreRecordedInTheirOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		before := len(w.happened())
		must(w.set("A", "1"))(t)
		synctest.Wait()
		want := []string{
			"deploy.pending", "instance.up web.1", "deploy.switch", "deploy.routed", "instance.draining web.1", "deploy.live",
			"instance.stopping web.1", "instance.stopped web.1",
		}
		got := w.happened()[before:]
		// The old one goes behind the command, so that it may be live before or after the old one's drain began.
		slices.SortStableFunc(got, func(a, b string) int { return slices.Index(want, a) - slices.Index(want, b) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		at := map[paas.EventKind]time.Time{}
		events := must(w.Events(context.Background(), paas.EventQuery{App: "hello", Limit: 8}))(t)
		for i, ev := range events {
			at[ev.Kind] = ev.Time
			if i > 0 && ev.ID != events[i-1].ID-1 {
				t.Errorf("event %d after %d", events[i-1].ID, ev.ID)
			}
		}
		order := []paas.EventKind{
			paas.Move("deploy", paas.MoveSwitch), paas.Move("deploy", paas.MoveRouted), paas.EventInstanceDraining, paas.EventInstanceStopping,
		}
		if !slices.IsSortedFunc(order, func(a, b paas.EventKind) int { return at[a].Compare(at[b]) }) {
			t.Errorf("the order of the switch: %v", at)
		}
	})
}

func TestEventsNameWhoAndSurviveARestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.Scale(paas.WithUser(context.Background(), "bo"), "hello", paas.Formation{"web": 2}, &progressLog{}))(t)
		w.halt()
		w.boot()
		synctest.Wait()
		events := must(w.Events(context.Background(), paas.EventQuery{App: "hello", Limit: 1000}))(t)
		i := slices.IndexFunc(events, func(ev paas.EventInfo) bool { return ev.Kind == paas.Move("scale", paas.MoveDone) })
		if i < 0 || events[i].User != "bo" || events[i].Text != "Scale by bo: web=2 worker=0" || events[i].Release != 1 {
			t.Errorf("%+v", events)
		}
	})
}

func TestAStoreThatDoesNotKeepUpCostsEventsAndNothingElse(t *testing.T) {
	r := recorder[paas.Event]{}
	if !r.add(paas.Event{}) {
		t.Error("nobody writes the first one")
	}
	for range maxUnwritten + 5 {
		if r.add(paas.Event{}) {
			t.Fatal("two write at once")
		}
	}
	if events, dropped := r.take(); len(events) != maxUnwritten || dropped != 6 {
		t.Errorf("%d events, %d dropped", len(events), dropped)
	}
	r.add(paas.Event{})
	if events, dropped := r.take(); len(events) != 1 || dropped != 0 {
		t.Errorf("%d events, %d dropped", len(events), dropped)
	}
	if events, _ := r.take(); events != nil || !r.add(paas.Event{}) {
		t.Error("the writing did not end")
	}
}

func TestTheQueueOfAnAppIsShown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		done := make(chan error, 2)
		go func() {
			_, _, err := w.push("slow", hello)
			done <- err
		}()
		pass(time.Second)
		go func() {
			_, err := w.set("A", "1")
			done <- err
		}()
		synctest.Wait()
		ps := must(w.Processes(context.Background(), "hello"))(t)
		if len(ps.Queue) != 2 || ps.Queue[0].Name != "deploy of 1a2b3c4 by ada" || !ps.Queue[0].Since.Before(ps.Queue[1].Since) {
			t.Errorf("%+v", ps.Queue)
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if ps := must(w.Processes(context.Background(), "hello"))(t); len(ps.Queue) != 0 {
			t.Errorf("%+v", ps.Queue)
		}
	})
}

func TestARenameBeforeTheFirstReleaseIsRecordedToo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		must(w.RenameApp(paas.WithUser(context.Background(), "ada"), "hello", "hej", &progressLog{}))(t)
		synctest.Wait()
		events := must(w.Events(context.Background(), paas.EventQuery{App: "hej", Limit: 10}))(t)
		if events[0].Kind != paas.EventAppRenamed || events[0].Text != "Renamed from hello to hej by ada" {
			t.Errorf("%+v", events)
		}
	})
}

func TestChangesAndStepsAreOneTimeline(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		id := w.AppID("hello")
		if w.AppID("nosuch") != "" || id == "" {
			t.Errorf("ids %q, %q", w.AppID("nosuch"), id)
		}
		pass(time.Minute)
		scale := paas.Change{Time: w.Now(), User: "bo", From: "socket", App: id, Name: "hello", Action: "ps:scale", Subject: "web=2"}
		pass(time.Second)
		must(w.Scale(paas.WithUser(context.Background(), "bo"), "hello", paas.Formation{"web": 2}, &progressLog{}))(t)
		w.RecordChange(scale)
		w.RecordChange(paas.Change{Time: w.Now(), User: "bo", From: "socket", Action: "keys:add", Subject: "cy", Code: paas.Conflict, Error: "there is a key cy already"})
		all := must(w.Events(context.Background(), paas.EventQuery{App: "hello", Limit: 1000}))(t)
		i := slices.IndexFunc(all, func(ev paas.EventInfo) bool { return ev.Kind == "ps:scale" })
		if i < 1 || all[i].Result != paas.Done || all[i].Text != "web=2" || all[i-1].Kind != paas.Move("scale", paas.MoveSwitch) && all[i-1].Time.Before(all[i].Time) ||
			!all[i+1].Time.Before(all[i].Time) || all[0].App != "hello" {
			t.Errorf("%d: %+v", i, all)
		}
		if some := must(w.Events(context.Background(), paas.EventQuery{App: "hello", Limit: i + 1}))(t); len(some) != i+1 || some[i].Kind != "ps:scale" {
			t.Errorf("%+v", some)
		}
		if changes := must(w.Events(context.Background(), paas.EventQuery{App: "hello", Changes: true, Limit: 10}))(t); len(changes) != 1 {
			t.Errorf("%+v", changes)
		}
		changes := must(w.Events(context.Background(), paas.EventQuery{Limit: 10}))(t)
		if len(changes) != 2 || changes[0].Result != "conflict" || changes[0].Text != "cy: there is a key cy already" {
			t.Errorf("%+v", changes)
		}
	})
}
