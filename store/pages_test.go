package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestPagesStayWithTheirAppAndGoWithIt(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	app := must(db.CreateApp("hello", "hello.localhost"))(t)
	page := paas.Page{Name: paas.PageUnavailable, HTML: "<p>first", User: "ada"}
	must(db.SetPage(app.ID, page))(t)
	page.HTML = "<p>second"
	must(db.SetPage(app.ID, page))(t)
	must(db.SetPage(app.ID, paas.Page{Name: paas.PageMaintenance, HTML: "<p>third"}))(t)
	must(db.RenameApp(app.ID, "other", "other.localhost"))(t)
	check(t, db.Close())

	db = open(t, dir)
	want := paas.Pages{Unavailable: paas.FileName([]byte("<p>second")), Maintenance: paas.FileName([]byte("<p>third"))}
	if got := must(db.App(app.ID))(t); got.Pages != want {
		t.Errorf("%+v", got.Pages)
	}
	pages := must(db.Pages(app.ID))(t)
	if len(pages) != 2 {
		t.Fatalf("%+v", pages)
	}
	if diff := cmp.Diff(page, pages[0]); diff != "" {
		t.Error(diff)
	}
	must(db.RemovePage(app.ID, paas.PageUnavailable))(t)
	if got := must(db.App(app.ID))(t); got.Pages.Unavailable != "" || got.Pages.Maintenance == "" || len(must(db.Pages(app.ID))(t)) != 1 {
		t.Errorf("%+v", got.Pages)
	}
	_, err := db.RemovePage(app.ID, paas.PageUnavailable)
	wantCode(t, err, paas.NotFound)
	check(t, db.DeleteApp(app.ID))
	for _, err := range []error{
		second(db.Pages(app.ID)), second(db.SetPage(app.ID, page)), second(db.RemovePage(app.ID, paas.PageMaintenance)),
	} {
		wantCode(t, err, paas.NotFound)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAPageOfAnUnknownNameIsRefused(t *testing.T) {
	db := open(t, t.TempDir())
	app := must(db.CreateApp("hello", ""))(t)
	wantCode(t, second(db.SetPage(app.ID, paas.Page{Name: "404", HTML: "<p>"})), paas.Invalid)
	if pages := must(db.Pages(app.ID))(t); len(pages) != 0 {
		t.Errorf("%+v", pages)
	}
}
