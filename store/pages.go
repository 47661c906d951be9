package store

import (
	"go.etcd.io/bbolt"

	"paas"
)

// SetPage keeps a page of the app, in the place of the one with its name.
func (db *DB) SetPage(id string, page paas.Page) (paas.App, error) {
	return update(db, "set a page of app "+id, func(tx *bbolt.Tx) (paas.App, error) {
		b, err := of(tx, bucketPages, id)
		if err != nil {
			return paas.App{}, err
		}
		if err := put(b, []byte(page.Name), page); err != nil {
			return paas.App{}, err
		}
		return namePage(tx, id, page.Name, paas.FileName([]byte(page.HTML)))
	})
}

// RemovePage drops a page of the app; NotFound if there is none of that name.
func (db *DB) RemovePage(id string, name paas.PageName) (paas.App, error) {
	return update(db, "remove a page of app "+id, func(tx *bbolt.Tx) (paas.App, error) {
		app, err := getApp(tx, id)
		if err != nil {
			return paas.App{}, err
		}
		b, err := of(tx, bucketPages, id)
		if err != nil {
			return paas.App{}, err
		}
		if b.Get([]byte(name)) == nil {
			return paas.App{}, paas.Errorf(paas.NotFound, "app %s has no page of its own for %s", app.Name, paas.Quote(string(name))).
				WithHint("paas pages -a %s", app.Name)
		}
		if err := b.Delete([]byte(name)); err != nil {
			return paas.App{}, err
		}
		return namePage(tx, id, name, "")
	})
}

// Pages returns the pages of the app by name; never nil.
func (db *DB) Pages(id string) ([]paas.Page, error) {
	return view(db, "list pages of app "+id, func(tx *bbolt.Tx) ([]paas.Page, error) {
		b, err := of(tx, bucketPages, id)
		if err != nil {
			return nil, err
		}
		return list[paas.Page](b)
	})
}

// namePage keeps the app in step with its pages.
func namePage(tx *bbolt.Tx, id string, name paas.PageName, file string) (paas.App, error) {
	app, err := getApp(tx, id)
	if err != nil {
		return paas.App{}, err
	}
	at := app.Pages.Of(name)
	if at == nil {
		return paas.App{}, paas.ValidatePageName(name)
	}
	*at = file
	return app, putApp(tx, app)
}
