package paas

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// ReleaseStatus is where a release stands.
type ReleaseStatus string

// The statuses of a release; pending is the only one that changes.
const (
	ReleasePending   ReleaseStatus = "pending"
	ReleaseSucceeded ReleaseStatus = "succeeded"
	ReleaseFailed    ReleaseStatus = "failed"
)

// Release is an entry of an app's ledger: image, config and process types, numbered, authored and never changed. Only
// its Outcome is filled in once, when the deployment ends.
type Release struct {
	App           string       `json:"app"` // App.ID
	Version       int          `json:"version"`
	Description   string       `json:"description"`
	User          string       `json:"user"`
	CreatedAt     time.Time    `json:"created_at"`
	Build         int          `json:"build"`
	Image         Image        `json:"image"`
	Commit        string       `json:"commit"`
	Types         ProcessTypes `json:"types"`
	Checks        Checks       `json:"checks,omitzero"`     // as checks:set has them
	Declared      Checks       `json:"declared,omitzero"`   // as the app.json of the commit has them
	Schedules     []Schedule   `json:"schedules,omitempty"` // of the app.json of the commit
	ConfigVersion int          `json:"config_version"`
	ConfigKeys    []string     `json:"config_keys"`
	ConfigSum     string       `json:"config_sum"` // keyed hash of the config, so that the ledger says nothing of its values
	Parent        int          `json:"parent"`     // the current release when this one was made; 0: none
	PrevHash      string       `json:"prev_hash"`  // Hash of version-1; empty for v1
	Hash          string       `json:"hash"`       // over all fields above

	Outcome
}

// Outcome is how the deployment of a release ended.
type Outcome struct {
	Status     ReleaseStatus `json:"status"`
	FinishedAt time.Time     `json:"finished_at,omitzero"`
	Phases     []Phase       `json:"phases,omitempty"`
	Error      string        `json:"error,omitempty"` // may hold the app's last log lines, masked
}

// Phase is one step of a deployment and how long it took.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// ReleaseInfo is a release as users see it.
type ReleaseInfo struct {
	Version     int           `json:"version"`
	Status      ReleaseStatus `json:"status"`
	Current     bool          `json:"current"`
	Description string        `json:"description"`
	Image       string        `json:"image"`
	Commit      string        `json:"commit"`
	ConfigKeys  []string      `json:"config_keys"`
	User        string        `json:"user"`
	CreatedAt   time.Time     `json:"created_at"`
}

// ReleaseDetail is ReleaseInfo and the rest of the record.
type ReleaseDetail struct {
	ReleaseInfo
	Build        int               `json:"build"`
	ProcessTypes map[string]string `json:"process_types"`
	Phases       []Phase           `json:"phases"`
	Diff         ReleaseDiff       `json:"diff"`
	Error        string            `json:"error"`
}

// ReleaseDiff names what differs from the release that was current before: config keys, and "image", "type NAME",
// "schedule NAME" or "check NAME".
type ReleaseDiff struct {
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	Changed []string `json:"changed"`
}

// RollbackPreview is what a rollback would do.
type RollbackPreview struct {
	Current int         `json:"current"` // the version that serves now
	Target  ReleaseInfo `json:"target"`  // the release to go back to
	Diff    ReleaseDiff `json:"diff"`    // what that would change of what serves now
}

// LedgerCheck is a ledger that verifies: its hash chain holds from v1 to the newest release.
type LedgerCheck struct {
	Releases int  `json:"releases"` // how many it has
	Verified bool `json:"verified"` // true; a ledger that does not verify is an error
}

// EffectiveChecks are those in force for the release's instances, with every field that has a default filled in.
func (r Release) EffectiveChecks() Checks { return r.Checks.Or(r.Declared).Or(DefaultChecks()) }

// Info shows the release; current is the app's current version.
func (r Release) Info(current int) ReleaseInfo {
	keys := r.ConfigKeys
	if keys == nil {
		keys = []string{}
	}
	return ReleaseInfo{
		Version: r.Version, Status: r.Status, Current: r.Version == current, Description: r.Description, Image: r.Image.ID,
		Commit: r.Commit, ConfigKeys: keys, User: r.User, CreatedAt: r.CreatedAt,
	}
}

// DiffReleases compares two releases with their configs. It names keys, never values.
func DiffReleases(from, to Release, fromConfig, toConfig Config) ReleaseDiff {
	d := ReleaseDiff{Added: []string{}, Removed: []string{}, Changed: []string{}}
	d.compare(fromConfig, toConfig, "")
	d.compare(commands(from), commands(to), "type ")
	d.compare(schedules(from), schedules(to), "schedule ")
	d.compare(from.Checks.Or(from.Declared).Values(), to.Checks.Or(to.Declared).Values(), "check ")
	switch from.Image.ID {
	case to.Image.ID:
	case "": // the first release
		d.Added = append(d.Added, "image")
	default:
		d.Changed = append(d.Changed, "image")
	}
	return d
}

func (d *ReleaseDiff) compare(from, to map[string]string, prefix string) {
	for _, k := range slices.Sorted(maps.Keys(to)) {
		if old, had := from[k]; !had {
			d.Added = append(d.Added, prefix+k)
		} else if old != to[k] {
			d.Changed = append(d.Changed, prefix+k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if _, has := to[k]; !has {
			d.Removed = append(d.Removed, prefix+k)
		}
	}
}

func commands(r Release) map[string]string {
	m := make(map[string]string, len(r.Types))
	for _, t := range r.Types {
		m[t.Name] = t.Command
	}
	return m
}

// schedules are those of a release as texts that differ when they do.
func schedules(r Release) map[string]string {
	m := make(map[string]string, len(r.Schedules))
	for _, s := range r.Schedules {
		m[s.Name] = fmt.Sprintf("%q", []any{s.Cron, s.Timezone, s.Command, s.Overlaps(), s.CatchUp, s.Timeout, s.Size})
	}
	return m
}

// Detail shows the release with its diff.
func (r Release) Detail(current int, diff ReleaseDiff) ReleaseDetail {
	phases := r.Phases
	if phases == nil {
		phases = []Phase{}
	}
	return ReleaseDetail{
		ReleaseInfo: r.Info(current), Build: r.Build, ProcessTypes: commands(r), Phases: phases, Diff: diff, Error: r.Error,
	}
}
