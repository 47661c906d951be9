package release

import (
	"context"
	"slices"
	"strings"

	"paas"
)

// Routing lists how the router treats the requests to app.
func (e *Engine) Routing(_ context.Context, app string) ([]paas.RoutingSetting, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	return record.Routing.Settings(), nil
}

// SetRouting changes that, makes no release, and returns the names of the settings that changed once they are live.
func (e *Engine) SetRouting(ctx context.Context, app string, patch paas.RoutingPatch) ([]string, error) {
	if err := patch.Validate(); err != nil {
		return nil, err
	}
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	next, changed, err := record.Routing.Apply(patch)
	if err != nil || len(changed) == 0 {
		return changed, err
	}
	if err := e.canServe(record, next.Canonical); err != nil {
		return nil, err
	}
	ev := paas.Event{Kind: paas.EventRouting, Text: "Set " + strings.Join(changed, ", ") + " of the router"}
	_, err = e.changeRouting(ctx, app, ev, func(a *paas.App) error {
		a.Routing, changed, err = a.Routing.Apply(patch) // on what it is now
		return err
	})
	return changed, err
}

// RouteProblem records that a part of an app's route cannot go live, or, if gone, that this is over. The rest of the route
// is live. It returns at once; apps that are no more are passed over.
func (e *Engine) RouteProblem(app, problem string, gone bool) {
	_, err := e.Store.App(app)
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return
	case err != nil:
		e.Log.Error("problem of a route is not recorded", "app", app, "problem", problem, "error", err)
		return
	}
	ev := paas.Event{App: app, Kind: paas.EventRouteProblem, Text: "The router leaves a part of the route out: " + problem}
	if gone {
		ev.Kind, ev.Text = paas.EventRouteSolved, "The router no longer leaves it out: "+problem
	}
	e.event(ev)
}

// canServe refuses a canonical host that is not one of app's.
func (e *Engine) canServe(app paas.App, host string) error {
	if host == "" {
		return nil
	}
	hosts, err := e.hosts(app)
	if err == nil && !slices.Contains(hosts, host) || strings.ContainsAny(host, "*/") {
		err = paas.Errorf(paas.Invalid, "%s is not a host of %s, so nothing can be redirected there", paas.Quote(host), app.Name).
			WithHint("paas domains:add HOST -a %s", app.Name)
	}
	return err
}
