package proxy

import (
	"time"

	"paas"
)

// status is the table as it is live, or an app's part of it, with the backends that left it and still have requests.
func (l *live) status(app string) paas.RouteTable {
	l.mu.Lock()
	defer l.mu.Unlock()
	draining := map[string][]paas.BackendStatus{}
	for b := range l.retired {
		draining[b.app] = append(draining[b.app], b.status(true))
	}
	t := l.table()
	status := paas.RouteTable{Version: t.Version, Routes: []paas.RouteStatus{}}
	for _, r := range t.Routes {
		if app == "" || app == r.App {
			status.Routes = append(status.Routes, l.routeStatus(r, draining[r.App]))
		}
		delete(draining, r.App)
	}
	for gone, backends := range draining {
		if app == "" || app == gone {
			r := paas.RouteStatus{App: gone, Hosts: []string{}, State: paas.RouteGone, Backends: backends}
			status.Routes = append(status.Routes, withInFlight(r))
		}
	}
	return status
}

// routeStatus, called with the lock, is a route of the live table.
func (l *live) routeStatus(r paas.Route, draining []paas.BackendStatus) paas.RouteStatus {
	s := paas.RouteStatus{App: nameOf(r), Hosts: r.Hosts, State: paas.RouteUp, Backends: []paas.BackendStatus{}}
	switch {
	case r.Maintenance:
		s.State, s.Code = paas.RouteMaintenance, string(maintenance)
	case r.Paused:
		s.State = paas.RoutePaused
	case len(r.Backends) == 0:
		s.State, s.Code = paas.RouteDown, string(downCode(r.Down))
	}
	share := l.shares[r.App]
	s.Held = share.held.length()
	s.Requests, s.Failures = share.tally.requests()
	for _, b := range r.Backends {
		s.Backends = append(s.Backends, l.backends[backendKey{r.App, b}].status(false))
	}
	s.Backends = append(s.Backends, draining...)
	return withInFlight(s)
}

func withInFlight(s paas.RouteStatus) paas.RouteStatus {
	for _, b := range s.Backends {
		s.InFlight += b.InFlight
	}
	return s
}

// nameOf is the app's name as people know it.
func nameOf(r paas.Route) string {
	if r.Name == "" {
		return r.App
	}
	return r.Name
}

func (b *backend) status(draining bool) paas.BackendStatus {
	b.mu.Lock()
	requests := b.requests
	b.mu.Unlock()
	s := paas.BackendStatus{
		Instance: b.instance, Addr: b.addr, Release: b.version, State: paas.BackendUp,
		InFlight: int(b.inflight.Load()), Requests: requests, Failures: b.failed.Load(),
	}
	left := time.Duration(b.shunned.Load()) - clock()
	switch {
	case draining:
		s.State = paas.BackendDraining
	case b.failures.Load() == 0:
	case b.probing.Load() || left <= 0:
		s.State = paas.BackendTrial
	default:
		until := time.Now().Add(left).UTC().Truncate(time.Millisecond)
		s.State, s.EjectedUntil = paas.BackendEjected, &until
	}
	return s
}
