package release

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"paas"
)

// routed are the addresses that requests to app may be going to now.
func (e *Engine) routed(app string) map[netip.AddrPort]bool {
	addrs := map[netip.AddrPort]bool{}
	route, _ := e.Router.Route(app)
	for _, b := range route.Backends {
		addrs[b.Addr] = true
	}
	return addrs
}

// route sends app's requests to exactly the web instances among targets, and returns once the router does. Its name, hosts
// and maintenance are those of the record by now: while a move went on a user may have changed them, and been told that
// they hold (see reroute).
func (e *Engine) route(ctx context.Context, app paas.App, rel paas.Release, targets []paas.Instance) error {
	record, err := e.Store.App(app.ID)
	if err != nil {
		return err
	}
	hosts, err := e.hosts(record)
	if err != nil {
		return err
	}
	certificates, err := e.certificateFiles(app.ID)
	if err != nil {
		return err
	}
	health, _, _ := strings.Cut(rel.EffectiveChecks().Path, "?")
	r := paas.Route{
		App: app.ID, Name: record.Name, Hosts: hosts, Maintenance: record.Maintenance, Paused: record.Paused, Health: health,
		Routing: record.Routing, Pages: record.Pages, Certificates: certificates, Backends: []paas.Backend{},
	}
	for _, i := range targets {
		if i.Type == paas.Web && i.Port != 0 {
			r.Backends = append(r.Backends, paas.Backend{Instance: i.Name, Addr: i.AddrPort(), Release: i.Release})
		}
	}
	slices.SortFunc(r.Backends, func(a, b paas.Backend) int { return strings.Compare(a.Addr.String(), b.Addr.String()) })
	if len(r.Backends) == 0 {
		r.Down = e.downCode(app, rel)
	}
	return e.Router.Apply(ctx, r)
}

// soon is within what requests may wait in the router for an app that boots.
const soon = 10 * time.Second

// downCode is what the router answers for an app without a backend: H20, for which it lets requests wait a while, where
// one is on its way.
func (e *Engine) downCode(app paas.App, rel paas.Release) string {
	if rel.Version == 0 {
		return "H81"
	}
	crashed := false
	for _, slot := range desire(app, rel, e.memory.retryAt(app.ID)).Slots {
		if slot.Type != paas.Web || slot.Down {
			continue
		}
		if c, ok := e.memory.crash(app.ID, slot.Name); !ok || c.RetryAt.Sub(e.Now()) < soon {
			return "H20"
		}
		crashed = true
	}
	if crashed {
		return "H10"
	}
	return "H14"
}

// hosts are the names app answers to: <app>.<domain> first.
func (e *Engine) hosts(app paas.App) ([]string, error) {
	domains, err := e.Store.Domains(app.ID)
	if err != nil {
		return nil, err
	}
	return append([]string{e.defaultHost(app.Name)}, domains...), nil
}

func (e *Engine) defaultHost(name string) string { return name + "." + e.Domain }
