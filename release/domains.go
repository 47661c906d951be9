package release

import (
	"context"
	"fmt"
	"strings"

	"paas"
)

// Domains lists the hosts that app answers to, the default one first.
func (e *Engine) Domains(_ context.Context, app string) ([]paas.Domain, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return nil, err
	}
	custom, err := e.Store.Domains(record.ID)
	if err != nil {
		return nil, err
	}
	domains := []paas.Domain{{Host: e.defaultHost(app), Kind: "default"}}
	for _, host := range custom {
		domains = append(domains, customDomain(host))
	}
	return domains, nil
}

func customDomain(host string) paas.Domain {
	kind := "custom"
	if strings.HasPrefix(host, "*.") {
		kind = "wildcard"
	}
	return paas.Domain{Host: host, Kind: kind}
}

// AddDomain makes app answer to host, which may be a wildcard or have a path prefix. One that is another app's, and the
// default host of another app whatever the prefix, is refused.
func (e *Engine) AddDomain(ctx context.Context, app, host string) (paas.Domain, error) {
	host, err := e.CheckHost(host)
	if err != nil {
		return paas.Domain{}, err
	}
	name, _, _ := strings.Cut(host, "/")
	label, under := strings.CutSuffix(name, "."+e.Domain)
	if !under || strings.Contains(label, ".") {
		label = ""
	}
	if name == e.Domain || label != "" && label != app && paas.ValidateAppName(label) != nil {
		return paas.Domain{}, paas.Errorf(paas.Conflict, "the host %s belongs to the platform", host).WithHint("choose another host")
	}
	return e.changeHosts(ctx, app, host, paas.EventDomainAdded, "Domain %s added by %s", func(id string) error { return e.Store.AddDomain(id, host, label) })
}

// RemoveDomain makes app no longer answer to host.
func (e *Engine) RemoveDomain(ctx context.Context, app, host string) (paas.Domain, error) {
	if canonical, err := e.CheckHost(host); err == nil {
		host = canonical
	}
	if host == e.defaultHost(app) {
		return paas.Domain{}, paas.Errorf(paas.Invalid, "%s is the app's default host, which stays as long as its name", host).
			WithHint("paas apps:rename -a %s NEW-NAME", app)
	}
	if err := e.notCanonical(app, host); err != nil {
		return paas.Domain{}, err
	}
	return e.changeHosts(ctx, app, host, paas.EventDomainRemoved, "Domain %s removed by %s", func(id string) error { return e.Store.RemoveDomain(id, host) })
}

func (e *Engine) changeHosts(
	ctx context.Context, app, host string, kind paas.EventKind, text string, change func(id string) error,
) (paas.Domain, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.Domain{}, err
	}
	if err := change(record.ID); err != nil {
		return paas.Domain{}, err
	}
	e.event(paas.Event{App: record.ID, Kind: kind, User: paas.UserOf(ctx), Text: fmt.Sprintf(text, host, paas.UserOf(ctx))})
	return customDomain(host), e.reroute(ctx, record.ID)
}

// notCanonical refuses to take away the host that the app's others are redirected to.
func (e *Engine) notCanonical(app, host string) error {
	record, err := e.Store.AppByName(app)
	if err == nil && record.Routing.Canonical == host {
		err = paas.Errorf(paas.Conflict, "%s is the canonical host of %s, to which its other hosts are redirected", host, app).
			WithHint("paas router:unset canonical -a %s", app)
	}
	return err
}

// SetMaintenance makes the router answer for app, or not.
func (e *Engine) SetMaintenance(ctx context.Context, app string, on bool) (paas.AppInfo, error) {
	ev := paas.Event{Kind: paas.EventMaintenance, Text: "Maintenance off"}
	if on {
		ev.Text = "Maintenance on"
	}
	return e.setGate(ctx, app, ev, func(a *paas.App) { a.Maintenance = on })
}

// SetPaused makes the router hold the requests to app, or let them go, in their order. It holds only so many, and only
// so long. Where it can hold none it fails with paas.Conflict.
func (e *Engine) SetPaused(ctx context.Context, app string, paused bool) (paas.AppInfo, error) {
	if paused && e.NoHold {
		return paas.AppInfo{}, paas.Errorf(paas.Conflict, "requests cannot wait here: only the embedded router holds them").
			WithHint("paas maintenance:on")
	}
	ev := paas.Event{Kind: paas.EventPause, Text: "Resumed"}
	if paused {
		ev.Text = "Paused"
	}
	return e.setGate(ctx, app, ev, func(a *paas.App) { a.Paused = paused })
}

// setGate changes whether requests reach app at all.
func (e *Engine) setGate(ctx context.Context, app string, ev paas.Event, change func(*paas.App)) (paas.AppInfo, error) {
	record, err := e.changeRouting(ctx, app, ev, func(a *paas.App) error {
		change(a)
		return nil
	})
	if err != nil {
		return paas.AppInfo{}, err
	}
	return e.appInfo(ctx, record)
}

// changeRouting changes what the router has to know of app, and returns once it does.
func (e *Engine) changeRouting(ctx context.Context, app string, ev paas.Event, change func(*paas.App) error) (paas.App, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return record, err
	}
	if record, err = e.Store.UpdateApp(record.ID, change); err != nil {
		return record, err
	}
	ev.App, ev.User = record.ID, paas.UserOf(ctx)
	ev.Text += " by " + ev.User
	e.event(ev)
	return record, e.reroute(ctx, record.ID)
}

// reroute applies app's hosts and settings to whatever backends it has, if any: the reconcile makes its route. It does not
// wait for an operation on the app: a
// deployment that ends meanwhile applies the newest record itself, and the reconcile that follows settles the rest.
func (e *Engine) reroute(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, e.Timings.Route)
	defer cancel()
	defer e.mark(id)
	app, err := e.Store.App(id)
	if err != nil {
		return err
	}
	hosts, err := e.hosts(app)
	if err != nil {
		return err
	}
	certificates, err := e.certificateFiles(id)
	if err != nil {
		return err
	}
	return e.Router.Adjust(ctx, id, func(r *paas.Route) {
		r.Hosts, r.Maintenance, r.Paused, r.Routing = hosts, app.Maintenance, app.Paused, app.Routing
		r.Pages, r.Certificates = app.Pages, certificates
	})
}
