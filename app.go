package paas

import (
	"net/netip"
	"time"
)

// App is an application: what it should run (Current times Formation) and the settings that are not part of a release.
type App struct {
	ID        string    `json:"id"` // immutable; the key of all its records, its repository, network and logs
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`

	// Build is how its source becomes an image.
	Build BuildSettings `json:"build,omitzero"`

	// Current is the version of the release that serves; 0 before the first one succeeded.
	Current int `json:"current"`
	// ConfigVersion is the config set that the next release builds on: the current release's, or, before the first
	// release, what config:set has kept.
	ConfigVersion int `json:"config_version"`
	// KeptChecks is what checks:set has kept for the first release; empty once there is one, which has them.
	KeptChecks Checks `json:"kept_checks,omitzero"`
	// Formation is remembered for types that are gone and come back.
	Formation Formation `json:"formation"`
	// Sizes are remembered likewise.
	Sizes Sizes `json:"sizes,omitempty"`
	// Restarted counts, per instance name, the restarts asked for on the current release: instances of an earlier
	// generation are replaced. A count and no time, so that a clock that jumps replaces nothing.
	Restarted map[string]int `json:"restarted,omitempty"`
	// Stopped names the instances that ps:stop took down; restart, and a new release, start them again.
	Stopped map[string]bool `json:"stopped,omitempty"`

	Maintenance bool    `json:"maintenance,omitempty"`
	Paused      bool    `json:"paused,omitempty"`
	Routing     Routing `json:"routing,omitzero"`
	Pages       Pages   `json:"pages,omitzero"`
	// Subnet is the app's own part of the installation's address pool. It stays with the app, so that an address
	// never comes to mean an instance of another app.
	Subnet netip.Prefix `json:"subnet"`
}

// AppState sums up an app for a list.
type AppState string

// The states of an app.
const (
	AppEmpty       AppState = "empty"       // nothing released yet
	AppUp          AppState = "up"          // every instance of the formation is up
	AppDegraded    AppState = "degraded"    // some are
	AppCrashed     AppState = "crashed"     // instances are wanted and none is up
	AppDown        AppState = "down"        // none is wanted
	AppMaintenance AppState = "maintenance" // the router answers for it
	AppPaused      AppState = "paused"      // the router holds its requests
)

// AppInfo is an app as users see it.
type AppInfo struct {
	Name    string   `json:"name"`
	URL     string   `json:"url"`
	GitURL  string   `json:"git_url"`
	Release int      `json:"release"` // 0: none
	State   AppState `json:"state"`
}

// Domain is a host name that an app answers to; a custom one may have a path prefix behind it: example.com/api.
type Domain struct {
	Host string `json:"host"`
	Kind string `json:"kind"` // "default" (<app>.<platform domain>), "custom" or "wildcard"
}
