package paas

import (
	"net/netip"
	"time"
)

// RouteTable is the routing table as the router has it, with what its requests came to.
type RouteTable struct {
	Version uint64        `json:"version"` // grows with every change
	Routes  []RouteStatus `json:"routes"`
}

// RouteStatus is an app in the routing table. Counts begin when the app came into the table, or the router started.
type RouteStatus struct {
	App      string          `json:"app"` // App.Name; the ID of one that has left the table with requests in flight
	Hosts    []string        `json:"hosts"`
	State    RouteState      `json:"state"`
	Code     string          `json:"code"` // that requests are answered with; empty: they go to a backend
	InFlight int             `json:"in_flight"`
	Held     int             `json:"held"`     // requests that wait now
	Requests uint64          `json:"requests"` // answered
	Failures uint64          `json:"failures"` // of these, with an H-code
	Backends []BackendStatus `json:"backends"`
}

// RouteState is what becomes of an app's requests.
type RouteState string

// The states of a route.
const (
	RouteUp          RouteState = "up"          // they go to a backend
	RouteMaintenance RouteState = "maintenance" // they are answered
	RoutePaused      RouteState = "paused"      // they wait
	RouteDown        RouteState = "down"        // there is no backend
	RouteGone        RouteState = "gone"        // the app has left the table
)

// BackendStatus is a backend as the router sees it.
type BackendStatus struct {
	Instance     string         `json:"instance"`
	Addr         netip.AddrPort `json:"addr"`
	Release      int            `json:"release"`
	State        BackendState   `json:"state"`
	EjectedUntil *time.Time     `json:"ejected_until"`
	InFlight     int            `json:"in_flight"`
	Requests     uint64         `json:"requests"` // given to it
	Failures     uint64         `json:"failures"` // that it did not accept, answer in time, or answer whole
}

// BackendState is whether a backend gets requests.
type BackendState string

// The states of a backend.
const (
	BackendUp       BackendState = "up"
	BackendEjected  BackendState = "ejected"  // it could not be connected to, and is passed over for a while
	BackendTrial    BackendState = "trial"    // that while is over: one request tries whether it is back
	BackendDraining BackendState = "draining" // it has left the table; what is in flight finishes
)
