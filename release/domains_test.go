package release

import (
	"context"
	"slices"
	"testing"

	"paas"
)

func TestAMoveThatBeganBeforeDoesNotUndoMaintenanceOrADomain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		w.mustPush("img1")
		before := must(w.db.AppByName("hello"))(t)
		rel := must(w.db.Release(before.ID, before.Current))(t)
		instances := must(w.runtime.Instances(ctx, before.ID))(t)

		must(w.SetMaintenance(ctx, "hello", true))(t)
		must(w.AddDomain(ctx, "hello", "www.example.com"))(t)
		if err := w.route(ctx, before, rel, instances); err != nil { // as a move does at its end
			t.Fatal(err)
		}
		route, _ := w.router.Route(before.ID)
		if !route.Maintenance || !slices.Contains(route.Hosts, "www.example.com") || len(route.Backends) != 1 {
			t.Errorf("%+v", route)
		}
		gone := before
		gone.ID = "nosuch"
		if err := w.route(ctx, gone, rel, instances); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("an app that is gone: %v", err)
		}
	})
}
