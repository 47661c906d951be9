package paas

import (
	"strings"
	"time"
)

// EventKind says what happened: what acted, or what it happened to, a dot, and what.
type EventKind string

// The kinds of events. A deploy, scale, resize, restart, stop, rename or repair that moves instances has those of the Move with
// its own name in front: deploy.switch.
const (
	EventAppCreated    EventKind = "app.created"
	EventAppRenamed    EventKind = "app.renamed"
	EventConfigKept    EventKind = "config.kept" // before the first release
	EventChecksKept    EventKind = "checks.kept" // before the first release
	EventDomainAdded   EventKind = "domains.added"
	EventDomainRemoved EventKind = "domains.removed"
	EventCertAdded     EventKind = "certs.added"
	EventCertRemoved   EventKind = "certs.removed"
	EventMaintenance   EventKind = "maintenance.set"
	EventPause         EventKind = "pause.set"
	EventRouting       EventKind = "router.set"
	EventBuildSet      EventKind = "build.set"     // a setting or a secret of its builds
	EventPages         EventKind = "pages.set"     // an error page of the app's own, or no longer
	EventRouteProblem  EventKind = "route.problem" // a part of the app's route cannot go live
	EventRouteSolved   EventKind = "route.solved"  // and that is over

	EventDeployPending EventKind = "deploy.pending" // the release is on the ledger
	EventDeployCommand EventKind = "deploy.command" // the release command ended
	EventDeployLive    EventKind = "deploy.live"
	EventDeployFailed  EventKind = "deploy.failed"

	EventAutoRollback EventKind = "rollback.automatic" // of a release that crash-loops

	EventInstanceUp       EventKind = "instance.up"
	EventInstanceFailed   EventKind = "instance.failed" // it did not come up
	EventInstanceSick     EventKind = "instance.sick"   // it failed its health checks
	EventInstanceUnrouted EventKind = "instance.unrouted"
	EventInstanceDraining EventKind = "instance.draining" // no new requests; those in flight finish
	EventInstanceStopping EventKind = "instance.stopping" // SIGTERM
	EventInstanceStopped  EventKind = "instance.stopped"
	EventInstanceKilled   EventKind = "instance.killed"  // SIGKILL, after the grace
	EventInstanceRemoved  EventKind = "instance.removed" // it did not run
	EventInstanceExec     EventKind = "instance.exec"    // ps:exec, its begin and its end

	EventDrainCut EventKind = "drain.cut" // it ended with requests in flight

	EventRunCreated EventKind = "run.created"
	EventRunEnded   EventKind = "run.ended"
)

// The Move kinds, after the name of what moves.
const (
	MoveVacated = "vacated" // strategy recreate: what serves goes first
	MoveSwitch  = "switch"  // the store says what is desired now
	MoveRouted  = "routed"  // the router confirmed that requests go there
	MoveDone    = "done"
)

// Move is the kind of a step of a move: Move("deploy", MoveSwitch) is deploy.switch.
func Move(what, step string) EventKind { return EventKind(what + "." + step) }

// Event is a record of what the platform did to an app, for the audit of it. IDs count from 1 within an app.
type Event struct {
	App      string    `json:"app"` // App.ID
	ID       int       `json:"id"`
	Time     time.Time `json:"time"` // of the happening, to the microsecond
	Kind     EventKind `json:"kind"`
	User     string    `json:"user,omitempty"`     // who asked for it; empty: the platform by itself
	Release  int       `json:"release,omitempty"`  // 0: it has to do with none
	Instance string    `json:"instance,omitempty"` // web.1, run.17
	Text     string    `json:"text,omitempty"`     // for a person; also a line of the app's log stream
}

// Actor is what acted, or was acted on, as the log stream names it: web.1, deploy.
func (e Event) Actor() string {
	if e.Instance != "" {
		return e.Instance
	}
	actor, _, _ := strings.Cut(string(e.Kind), ".")
	return actor
}

// EventInfo is an event, or a change, as users see it. Of an event From, Result, Seconds and RequestID are empty; of a change ID,
// Release and Instance are.
type EventInfo struct {
	ID        int       `json:"id,omitempty"`
	Time      time.Time `json:"time"`
	Kind      EventKind `json:"kind"` // a change has the command that makes it, with a colon or a space: config:set
	App       string    `json:"app"`
	User      string    `json:"user"`
	From      string    `json:"from,omitempty"`
	Result    string    `json:"result,omitempty"`
	Seconds   float64   `json:"seconds,omitempty"`
	Release   int       `json:"release"`
	Instance  string    `json:"instance"`
	Text      string    `json:"text"`
	RequestID string    `json:"request_id,omitempty"`
}

// Info shows the event of an app of that name.
func (e Event) Info(app string) EventInfo {
	return EventInfo{ID: e.ID, Time: e.Time, Kind: e.Kind, App: app, User: e.User, Release: e.Release, Instance: e.Instance, Text: e.Text}
}
