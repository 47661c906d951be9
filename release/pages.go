package release

import (
	"context"
	"fmt"
	"time"

	"paas"
)

// Pages lists the error pages of app's own.
func (e *Engine) Pages(_ context.Context, app string) ([]paas.PageInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	pages, err := e.Store.Pages(record.ID)
	if err != nil {
		return nil, err
	}
	infos := make([]paas.PageInfo, len(pages))
	for i, p := range pages {
		infos[i] = p.Info()
	}
	return infos, nil
}

// SetPage gives app a page of its own, and returns once the router has it.
func (e *Engine) SetPage(ctx context.Context, app string, name paas.PageName, html string) (paas.PageInfo, error) {
	if err := paas.ValidatePageName(name); err != nil {
		return paas.PageInfo{}, err
	}
	if err := paas.ValidatePage(html); err != nil {
		return paas.PageInfo{}, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.PageInfo{}, err
	}
	page := paas.Page{Name: name, HTML: html, SetAt: e.Now().UTC().Truncate(time.Second), User: paas.UserOf(ctx)}
	if _, err := e.Store.SetPage(record.ID, page); err != nil {
		return paas.PageInfo{}, err
	}
	return page.Info(), e.pageChanged(ctx, record.ID, fmt.Sprintf("Page for %s set", name))
}

// RemovePage lets the router's own page stand in again.
func (e *Engine) RemovePage(ctx context.Context, app string, name paas.PageName) error {
	if err := paas.ValidatePageName(name); err != nil {
		return err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return err
	}
	if _, err := e.Store.RemovePage(record.ID, name); err != nil {
		return err
	}
	return e.pageChanged(ctx, record.ID, fmt.Sprintf("Page for %s removed", name))
}

func (e *Engine) pageChanged(ctx context.Context, id, text string) error {
	user := paas.UserOf(ctx)
	e.event(paas.Event{App: id, Kind: paas.EventPages, User: user, Text: text + " by " + user})
	return e.reroute(ctx, id)
}
