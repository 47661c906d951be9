package release

import (
	"context"
	"errors"
	"strings"
	"testing"

	"paas"
)

func (w *world) routing(pairs ...string) ([]string, error) {
	patch := paas.RoutingPatch{}
	for i := 0; i < len(pairs); i += 2 {
		patch[pairs[i]] = &pairs[i+1]
	}
	return w.SetRouting(context.Background(), "hello", patch)
}

func TestPauseIsRefusedWhereTheRouterHoldsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.NoHold = true
		_, err := w.SetPaused(context.Background(), "hello", true)
		if e, ok := errors.AsType[*paas.Error](err); !ok || e.Code != paas.Conflict || e.Hint != "paas maintenance:on" {
			t.Errorf("got %v", err)
		}
		must(w.SetPaused(context.Background(), "hello", false))(t)
	})
}

func TestRoutingIsInTheRoutesAndMakesNoRelease(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		must(w.routing("timeout", "60", "https", "redirect"))(t)
		want := paas.Routing{Timeout: 60, HTTPS: paas.HTTPSRedirect}
		app := must(w.db.AppByName("hello"))(t)
		if route, _ := w.router.Route(app.ID); route.Routing != want {
			t.Errorf("%+v", route)
		}
		if changed := must(w.routing("timeout", "60"))(t); len(changed) != 0 {
			t.Error(changed)
		}
		must(w.set("A", "1"))(t) // a release later
		if route, _ := w.router.Route(app.ID); route.Routing != want || len(route.Backends) != 1 {
			t.Errorf("%+v", route)
		}
		if got := w.ledger(); len(got) != 2 {
			t.Error(got)
		}
	})
}

func TestTheCanonicalHostIsOneOfTheApps(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		if _, err := w.routing("canonical", "www.example.com"); paas.CodeOf(err) != paas.Invalid {
			t.Error(err)
		}
		must(w.AddDomain(ctx, "hello", "www.example.com"))(t)
		must(w.AddDomain(ctx, "hello", "*.example.com"))(t)
		must(w.routing("canonical", "www.example.com"))(t)
		if _, err := w.routing("canonical", "*.example.com"); paas.CodeOf(err) != paas.Invalid {
			t.Error(err)
		}
		if _, err := w.RemoveDomain(ctx, "hello", "www.example.com"); paas.CodeOf(err) != paas.Conflict {
			t.Error(err)
		}
	})
}

func TestDomainsMayBeWildcardsAndHavePaths(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		must(w.CreateApp(ctx, "other"))(t)
		for domain, kind := range map[string]string{"*.example.com": "wildcard", "example.com": "custom"} {
			if d := must(w.AddDomain(ctx, "hello", domain))(t); d.Kind != kind {
				t.Errorf("%+v", d)
			}
		}
		must(w.AddDomain(ctx, "other", "example.com/api"))(t)
		for _, taken := range []string{"example.com", "*.example.com", "hello.localhost", "hello.localhost/api", "*.localhost", "localhost/api", "paas.localhost/x"} {
			if _, err := w.AddDomain(ctx, "other", taken); paas.CodeOf(err) != paas.Conflict {
				t.Errorf("%s: %v", taken, err)
			}
		}
	})
}

func TestAPausedAppSaysSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		for _, paused := range []bool{true, false} {
			info := must(w.SetPaused(context.Background(), "hello", paused))(t)
			route, _ := w.router.Route(app.ID)
			if route.Paused != paused || (info.State == paas.AppPaused) != paused || len(route.Backends) != 1 {
				t.Errorf("%+v %+v", info, route)
			}
		}
	})
}

func TestAProblemOfARouteIsAnEventAndALineOfTheApp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.create()
		app := must(w.db.AppByName("hello"))(t)
		w.RouteProblem(app.ID, "host a.localhost belongs to another app, a", false)
		w.RouteProblem(app.ID, "host a.localhost belongs to another app, a", true)
		w.RouteProblem("nosuch", "it has none", false)
		events := must(w.Events(context.Background(), paas.EventQuery{App: "hello", Limit: 2}))(t)
		if events[1].Kind != paas.EventRouteProblem || events[0].Kind != paas.EventRouteSolved || events[0].User != "" {
			t.Errorf("%+v", events)
		}
		if text := w.logs.text(); !strings.Contains(text, "The router leaves a part of the route out: host a.localhost belongs to another app, a") {
			t.Error(text)
		}
		if strings.Contains(w.logs.text(), "it has none") {
			t.Error("a stream was begun for an app that does not exist")
		}
	})
}
