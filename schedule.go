package paas

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Overlap is what becomes of a scheduled run whose predecessor has not ended.
type Overlap string

// The overlap policies.
const (
	OverlapSkip  Overlap = "skip"  // it does not run; the default
	OverlapQueue Overlap = "queue" // it runs once the other has ended; one waits at most
	OverlapAllow Overlap = "allow" // it runs beside the other
)

// Schedule is a command that runs by the clock: each time a run of its own, detached, on the release that is current then.
type Schedule struct {
	Name     string        `json:"name"`
	Cron     string        `json:"schedule"`           // as ParseCron reads it
	Timezone string        `json:"timezone,omitempty"` // like Europe/Berlin; "": UTC
	Command  []string      `json:"command"`            // as that of a run
	Overlap  Overlap       `json:"overlap,omitempty"`  // "": skip
	CatchUp  bool          `json:"catch_up,omitempty"` // once for times that were missed while paasd was away
	Timeout  time.Duration `json:"timeout,omitempty"`  // of a run; 0: 24 h
	Size     Size          `json:"size,omitzero"`      // of a run; zero: as for a run of that command
}

// MaxSchedules is how many an app may have.
const MaxSchedules = 100

var scheduleName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// ValidateScheduleName accepts the names of schedules.
func ValidateScheduleName(name string) error {
	if !scheduleName.MatchString(name) || strings.HasSuffix(name, "-") {
		return Errorf(Invalid, "%s cannot be the name of a schedule", Quote(name)).
			WithHint("use at most 40 lower-case letters, digits and dashes, beginning with a letter")
	}
	return nil
}

// Validate checks everything that can be checked without the app.
func (s Schedule) Validate() error {
	if err := ValidateScheduleName(s.Name); err != nil {
		return err
	}
	if _, _, err := s.times(); err != nil {
		return err
	}
	if !slices.Contains([]Overlap{"", OverlapSkip, OverlapQueue, OverlapAllow}, s.Overlap) {
		return Errorf(Invalid, "%s is no overlap policy", Quote(string(s.Overlap))).WithHint("use skip, queue or allow")
	}
	if s.Timeout < 0 {
		return Errorf(Invalid, "the timeout cannot be negative").WithHint(`for example 1h30m`)
	}
	return ValidateCommand(s.Command, nil, `paas cron:add "0 3 * * *" -- ./hello migrate`)
}

// DefaultName names a schedule that has no name, by what it runs and when: always the same.
func (s Schedule) DefaultName() string {
	sum := sha256.Sum256([]byte(strings.Join(append([]string{s.Cron, s.Timezone}, s.Command...), "\x00")))
	word, _, _ := strings.Cut(strings.Join(s.Command, " "), " ")
	word = strings.Trim(notInName.ReplaceAllString(strings.ToLower(path.Base(word)), "-"), "-0123456789")
	if word == "" {
		word = "cron"
	}
	return strings.TrimRight(word[:min(len(word), 30)], "-") + "-" + hex.EncodeToString(sum[:2])
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// times is the schedule for the computation of times.
func (s Schedule) times() (Cron, *time.Location, error) {
	c, err := ParseCron(s.Cron)
	if err != nil {
		return c, nil, err
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil || s.Timezone == "Local" {
		return c, nil, Errorf(Invalid, "%s is not a time zone", Quote(s.Timezone)).WithHint("use a name such as Europe/Berlin or UTC")
	}
	return c, zone, nil
}

// policy is the overlap policy in force.
func (s Schedule) policy() Overlap {
	if s.Overlap == "" {
		return OverlapSkip
	}
	return s.Overlap
}

// ScheduleState is a schedule of an app and how far it has come.
type ScheduleState struct {
	App      string `json:"app"` // App.ID
	Schedule Schedule
	Declared bool      `json:"declared,omitempty"` // by the app.json of the current release, with which it comes and goes
	User     string    `json:"user,omitempty"`     // who added it
	Disabled bool      `json:"disabled,omitempty"`
	Reached  time.Time `json:"reached"`          // its times up to this one have been seen to
	Queued   time.Time `json:"queued,omitzero"`  // the time whose run waits for another to end
	Last     LastRun   `json:"last,omitzero"`    // the newest run of it
	Skipped  Skipped   `json:"skipped,omitzero"` // the newest time at which it did not run
}

// LastRun is the newest run of a schedule, which is remembered here when the run itself is no longer kept.
type LastRun struct {
	Run      int       `json:"run"`
	At       time.Time `json:"at"` // the time of the schedule; of cron:run, when that was
	Status   RunStatus `json:"status"`
	ExitCode int       `json:"exit_code"`
	Error    string    `json:"error,omitempty"`
}

// Skipped is a time of a schedule without a run.
type Skipped struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// MissedAfter is how late a time of a schedule may be noticed and not count as missed: a restart of paasd takes less.
const MissedAfter = time.Minute

// clockSetBack is how far a clock is set back to be believed: what is less is waited for, so that nothing runs twice.
const clockSetBack = 3 * time.Hour

// Due is what there is to see to at now: of the schedule's times since Reached only the last counts, at, however many there
// were. It is missed if it was longer ago than MissedAfter. Without one, at is zero.
func (s ScheduleState) Due(now time.Time) (at time.Time, missed bool, err error) {
	c, zone, err := s.Schedule.times()
	if err != nil || s.Disabled || now.Before(s.Reached) {
		return time.Time{}, false, err
	}
	at = c.Latest(s.Reached, now, zone)
	return at, !at.IsZero() && now.Sub(at) > MissedAfter, nil
}

// SetBack says whether the clock was set back so far, at now, that the times since then come again.
func (s ScheduleState) SetBack(now time.Time) bool { return s.Reached.Sub(now) > clockSetBack }

// Next is when it is due next, from now on; zero where it is disabled.
func (s ScheduleState) Next(now time.Time) (time.Time, error) {
	c, zone, err := s.Schedule.times()
	if err != nil || s.Disabled {
		return time.Time{}, err
	}
	next := c.Next(s.Reached, zone)
	if next.After(now) {
		return next, nil
	}
	if latest := c.Latest(s.Reached, now, zone); !latest.IsZero() {
		next = c.Next(latest, zone)
	}
	return next, nil
}

// Overlaps says what becomes of a run whose predecessor has not ended.
func (s ScheduleState) Overlaps() Overlap { return s.Schedule.policy() }

// ScheduleInfo is a schedule as users see it.
type ScheduleInfo struct {
	Name     string       `json:"name"`
	Cron     string       `json:"schedule"`
	Timezone string       `json:"timezone"`
	Command  []string     `json:"command"`
	Overlap  Overlap      `json:"overlap"`
	CatchUp  bool         `json:"catch_up"`
	Timeout  string       `json:"timeout"` // like 1h0m0s; "": the default
	Size     Size         `json:"size"`    // "": the default
	Declared bool         `json:"declared"`
	User     string       `json:"user"`
	Enabled  bool         `json:"enabled"`
	Last     *LastRunInfo `json:"last"`
	Skipped  *Skipped     `json:"skipped"`
	NextAt   *time.Time   `json:"next_at"`
}

// LastRunInfo is the newest run of a schedule as users see it.
type LastRunInfo struct {
	Run      string    `json:"run"`
	At       time.Time `json:"at"`
	Status   RunStatus `json:"status"`
	ExitCode *int      `json:"exit_code"`
	Error    string    `json:"error,omitempty"`
}

// Info shows the schedule as of now.
func (s ScheduleState) Info(now time.Time) ScheduleInfo {
	info := ScheduleInfo{
		Name: s.Schedule.Name, Cron: s.Schedule.Cron, Timezone: s.Schedule.Timezone, Command: s.Schedule.Command, Overlap: s.Overlaps(),
		CatchUp: s.Schedule.CatchUp, Size: s.Schedule.Size, Declared: s.Declared, User: s.User, Enabled: !s.Disabled,
	}
	if info.Timezone == "" {
		info.Timezone = "UTC"
	}
	if s.Schedule.Timeout > 0 {
		info.Timeout = s.Schedule.Timeout.String()
	}
	if l := s.Last; l.Run != 0 {
		info.Last = &LastRunInfo{Run: InstanceName(RunType, l.Run), At: l.At, Status: l.Status, Error: l.Error}
		if l.Status == RunExited {
			info.Last.ExitCode = &l.ExitCode
		}
	}
	if !s.Skipped.At.IsZero() {
		info.Skipped = &s.Skipped
	}
	if next, err := s.Next(now); err == nil && !next.IsZero() {
		info.NextAt = &next
	}
	return info
}

// SchedulePatch changes a schedule; what is nil stays.
type SchedulePatch struct {
	Enabled *bool `json:"enabled,omitempty"`
}
