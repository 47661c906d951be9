package paas

import (
	"errors"
	"net/netip"
	"time"
)

// Instance is one process of an app on the container engine, as observed there: what is, never what should be.
type Instance struct {
	ID      string // the engine's
	App     string // App.ID
	AppName string // App.Name when it was created
	Type    string // RunType for one-offs
	Name    string // its slot, web.1, or run.17
	Release int
	// Generation is how many restarts had been asked for in its slot when it was created (App.Restarted).
	Generation int
	// Size is what its app asked for when it was created (App.Sizes); Limits is what the engine holds it to, the zero field: nothing.
	Size      Size
	Limits    Size
	Addr      netip.Addr // on the app's own network
	Port      int        // $PORT; 0 where the type has none
	CreatedAt time.Time
	StartedAt time.Time
	Running   bool
	// Restarted means that the engine itself started it again after an exit or a reboot: its writable layer is not
	// fresh, so it has to be replaced.
	Restarted  bool
	Exited     bool      // it ran and ended; ExitCode and OOMKilled say how
	FinishedAt time.Time // when it last ended; zero when it never did
	ExitCode   int
	OOMKilled  bool
	// Unhealthy means that the HEALTHCHECK of its image says so. Without one it never is.
	Unhealthy bool
}

// AddrPort is where a web instance listens.
func (i Instance) AddrPort() netip.AddrPort { return netip.AddrPortFrom(i.Addr, uint16(i.Port)) }

// InstanceSpec is everything that decides what an instance is. It has no way to say privileged, a host path, a host
// namespace or a published port.
type InstanceSpec struct {
	App        string
	AppName    string
	Type       string
	Name       string
	Release    int
	Generation int
	Image      Image
	Command    []string // replaces the image's CMD; nil keeps it
	Env        []string // KEY=value; the whole environment besides what the image sets
	Port       int
	Subnet     netip.Prefix
	TTY        bool
	Stdin      bool
	Terminal   TerminalSize // initial, for a TTY
	Size       Size         // what it may take of the machine, as asked for; zero fields get the platform's default
	Labels     map[string]string
}

// ErrSubnetTaken is in the chain of the error of a start that failed because another network of the host overlaps with
// the app's subnet.
var ErrSubnetTaken = errors.New("the subnet is taken on this host")

// TerminalSize in characters.
type TerminalSize struct {
	Cols uint16 `json:"cols"`
	Rows uint16 `json:"rows"`
}

// InstanceEvent says that something happened to an instance on the engine; whoever cares observes again.
type InstanceEvent struct {
	App  string
	ID   string
	Name string
	Kind string // "start", "die", "oom", "destroy"; "resync" after the event stream was interrupted (App is empty)
	// ExitCode of a "die": an instance that the engine starts again at once does not show it any more.
	ExitCode int
}

// InstanceState is what users see of an instance.
type InstanceState string

// The states of an instance.
const (
	InstanceStarting InstanceState = "starting"
	InstanceUp       InstanceState = "up"
	InstanceDraining InstanceState = "draining"
	InstanceStopping InstanceState = "stopping"
	InstanceCrashed  InstanceState = "crashed"
	InstanceDown     InstanceState = "down"
)

// ProcessStatus is one process type of the formation as users see it.
type ProcessStatus struct {
	Type     string `json:"type"`
	Quantity int    `json:"quantity"`
	Size     Size   `json:"size"` // the app's, else the platform's default; a zero field: no bound
	Command  string `json:"command"`
}

// InstanceStatus is one instance as users see it.
type InstanceStatus struct {
	Name          string        `json:"name"`
	Type          string        `json:"type"`
	State         InstanceState `json:"state"`
	Release       int           `json:"release"`
	Size          Size          `json:"size"` // what it is held to
	StartedAt     *time.Time    `json:"started_at"`
	Restarts      int           `json:"restarts"`
	ExitCode      *int          `json:"exit_code"`
	Reason        string        `json:"reason"`
	NextRestartAt *time.Time    `json:"next_restart_at"`
}

// Processes is the answer of ps.
type Processes struct {
	Formation []ProcessStatus  `json:"formation"`
	Instances []InstanceStatus `json:"instances"`
	Queue     []Operation      `json:"queue"` // the first is under way, the others wait in this order
}

// Operation is work on one app. An app has one at a time, the rest wait for their turn.
type Operation struct {
	Name  string    `json:"name"`  // "deploy of 1a2b3c4 by ada"
	Since time.Time `json:"since"` // when it began, or began to wait
}
