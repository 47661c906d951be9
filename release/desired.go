package release

import (
	"time"

	"paas"
)

// Desired is what should run for an app: a release in a formation.
type Desired struct {
	AppName string
	Release int // 0: nothing
	Slots   []Slot
	// Recreate ends what has to go before anything starts, for apps that cannot run twice.
	Recreate bool
}

// Slot is one place in the formation.
type Slot struct {
	Name string // web.1
	Type string
	Down bool // taken down by ps:stop
	// Generation counts the restarts asked for: an instance of an earlier one is replaced.
	Generation int
	// Size asked for: an instance of another is replaced.
	Size paas.Size
	// RetryAt holds back the replacement of a crashed instance.
	RetryAt time.Time
}

// desire works out what app should run on rel; retry tells how long a slot's crashes hold it back.
func desire(app paas.App, rel paas.Release, retry func(slot string) time.Time) Desired {
	d := Desired{AppName: app.Name, Release: rel.Version, Recreate: rel.EffectiveChecks().Strategy == paas.Recreate}
	for _, typ := range rel.Types.Names() {
		for n := range app.Formation.Quantity(typ) {
			name := paas.InstanceName(typ, n+1)
			d.Slots = append(d.Slots, Slot{
				Name: name, Type: typ, Down: app.Stopped[name], Generation: app.Restarted[name], Size: app.Sizes[typ], RetryAt: retry(name),
			})
		}
	}
	return d
}

// Seen is an instance as observed on the engine, with what this process knows of it.
type Seen struct {
	paas.Instance
	Healthy  bool // it answered its probe, and has not failed since
	Sick     bool // it was healthy and failed its probes: it has to be replaced
	Retiring bool // its drain and stop are already under way
	Routed   bool // requests may be going to it
}
