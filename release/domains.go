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
		domains = append(domains, paas.Domain{Host: host, Kind: "custom"})
	}
	return domains, nil
}

// AddDomain makes app answer to host. A host that is, or would be, another app's is refused.
func (e *Engine) AddDomain(ctx context.Context, app, host string) (paas.Domain, error) {
	host, err := e.CheckHost(host)
	if err != nil {
		return paas.Domain{}, err
	}
	label, under := strings.CutSuffix(host, "."+e.Domain)
	if !under || strings.Contains(label, ".") {
		label = ""
	}
	if host == e.Domain || label != "" && label != app && paas.ValidateAppName(label) != nil {
		return paas.Domain{}, paas.Errorf(paas.Conflict, "the host %s belongs to the platform", host).WithHint("choose another host")
	}
	return e.changeHosts(ctx, app, host, paas.EventDomainAdded, "Domain %s added by %s", func(id string) error { return e.Store.AddDomain(id, host, label) })
}

// RemoveDomain makes app no longer answer to host.
func (e *Engine) RemoveDomain(ctx context.Context, app, host string) (paas.Domain, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == e.defaultHost(app) {
		return paas.Domain{}, paas.Errorf(paas.Invalid, "%s is the app's default host, which stays as long as its name", host).
			WithHint("paas apps:rename -a %s NEW-NAME", app)
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
	return paas.Domain{Host: host, Kind: "custom"}, e.reroute(ctx, record.ID)
}

// SetMaintenance makes the router answer for app, or not.
func (e *Engine) SetMaintenance(ctx context.Context, app string, on bool) (paas.AppInfo, error) {
	record, err := e.Store.AppByName(app)
	if err != nil {
		return paas.AppInfo{}, err
	}
	record, err = e.Store.UpdateApp(record.ID, func(a *paas.App) error {
		a.Maintenance = on
		return nil
	})
	if err != nil {
		return paas.AppInfo{}, err
	}
	e.event(paas.Event{
		App: record.ID, Kind: paas.EventMaintenance, User: paas.UserOf(ctx),
		Text: fmt.Sprintf("Maintenance %s by %s", map[bool]string{true: "on", false: "off"}[on], paas.UserOf(ctx)),
	})
	if err := e.reroute(ctx, record.ID); err != nil {
		return paas.AppInfo{}, err
	}
	return e.appInfo(ctx, record)
}

// reroute applies app's hosts and settings to whatever backends it has, if any: the reconcile makes its route. It does not wait for an operation on the app: a
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
	return e.Router.Adjust(ctx, id, hosts, app.Maintenance)
}
