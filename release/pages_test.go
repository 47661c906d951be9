package release

import (
	"context"
	"testing"

	"paas"
)

func TestAPageIsInTheRouteAndMakesNoRelease(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ada := paas.WithUser(context.Background(), "ada")
		w.create()
		w.mustPush("img1")
		app := must(w.db.AppByName("hello"))(t)
		info := must(w.SetPage(ada, "hello", paas.PageUnavailable, "<h1>Sorry</h1>"))(t)
		if info.Size != 14 || info.User != "ada" || info.SetAt.IsZero() {
			t.Errorf("%+v", info)
		}
		want := paas.Pages{Unavailable: paas.FileName([]byte("<h1>Sorry</h1>"))}
		routed := func() paas.Pages {
			route, _ := w.router.Route(app.ID)
			return route.Pages
		}
		if routed() != want {
			t.Errorf("%+v", routed())
		}
		must(w.set("A", "1"))(t) // a release later
		must(w.RenameApp(ada, "hello", "other", &progressLog{}))(t)
		if routed() != want {
			t.Errorf("after a release and a rename: %+v", routed())
		}
		if listed := must(w.Pages(ada, "other"))(t); len(listed) != 1 || listed[0] != info {
			t.Errorf("%+v", listed)
		}
		if err := w.RemovePage(ada, "other", paas.PageUnavailable); err != nil || routed() != (paas.Pages{}) {
			t.Errorf("%+v %v", routed(), err)
		}
		if err := w.RemovePage(ada, "other", paas.PageUnavailable); paas.CodeOf(err) != paas.NotFound {
			t.Error(err)
		}
		texts := map[string]bool{}
		for _, ev := range must(w.Events(ada, paas.EventQuery{App: "other", Limit: 1000}))(t) {
			if ev.Kind == paas.EventPages && ev.User == "ada" {
				texts[ev.Text] = true
			}
		}
		if len(texts) != 2 || !texts["Page for 503 set by ada"] || !texts["Page for 503 removed by ada"] {
			t.Error(texts)
		}
	})
}

func TestWhatIsNoPageIsRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		w.create()
		for name, html := range map[paas.PageName]string{"404": "<p>", paas.PageUnavailable: "Sorry"} {
			if _, err := w.SetPage(ctx, "hello", name, html); paas.CodeOf(err) != paas.Invalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		if pages := must(w.Pages(ctx, "hello"))(t); len(pages) != 0 {
			t.Errorf("%+v", pages)
		}
	})
}
