package paas

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Checks is how the instances of a release are probed, replaced and ended. What is not said has its zero value, and
// means what another layer says: first what checks:set said, then the app.json of the commit, then DefaultChecks.
type Checks struct {
	Path         string             `json:"path,omitempty"`          // web answers GET on it with 2xx; empty: that it listens is enough
	Timeout      Seconds            `json:"timeout,omitempty"`       // for a new instance to become healthy
	Interval     Seconds            `json:"interval,omitempty"`      // between two checks of an instance that is up
	Grace        Seconds            `json:"grace,omitempty"`         // a process without a port is up after running this long
	Drain        Seconds            `json:"drain,omitempty"`         // for the requests in flight when an instance goes
	StopTimeout  Seconds            `json:"stop_timeout,omitempty"`  // between SIGTERM and SIGKILL
	StopTimeouts map[string]Seconds `json:"stop_timeouts,omitempty"` // by process type, in place of StopTimeout
	Strategy     Strategy           `json:"strategy,omitempty"`
	MaxSurge     int                `json:"max_surge,omitempty"`     // how many new instances boot at the same time
	AutoRollback Switch             `json:"auto_rollback,omitempty"` // a release that crash-loops in its first minutes is rolled back
}

// Switch is a setting that is on or off.
type Switch string

// The positions of a switch.
const (
	On  Switch = "on"
	Off Switch = "off"
)

// Strategy is the order in which instances of a new release take the place of the old ones.
type Strategy string

// The strategies.
const (
	Rolling  Strategy = "rolling"  // the new ones are up before the old ones go
	Recreate Strategy = "recreate" // the old ones have ended before the new ones start: for apps that cannot run twice
)

// Seconds is a duration as settings have it.
type Seconds int

// Duration is the same as a time.Duration.
func (s Seconds) Duration() time.Duration { return time.Duration(s) * time.Second }

// DefaultChecks are in force where nothing else is said.
func DefaultChecks() Checks {
	return Checks{
		Timeout: 60, Interval: 10, Grace: 2, Drain: 30, StopTimeout: 30, Strategy: Rolling, MaxSurge: 16, AutoRollback: Off,
	}
}

// Or returns c with what it does not say taken from other.
func (c Checks) Or(other Checks) Checks {
	stop := maps.Clone(other.StopTimeouts)
	if stop == nil {
		stop = c.StopTimeouts
	} else {
		maps.Copy(stop, c.StopTimeouts)
	}
	return Checks{
		Path: cmp.Or(c.Path, other.Path), Timeout: cmp.Or(c.Timeout, other.Timeout), Interval: cmp.Or(c.Interval, other.Interval),
		Grace: cmp.Or(c.Grace, other.Grace), Drain: cmp.Or(c.Drain, other.Drain), StopTimeout: cmp.Or(c.StopTimeout, other.StopTimeout),
		StopTimeouts: stop, Strategy: cmp.Or(c.Strategy, other.Strategy),
		MaxSurge: cmp.Or(c.MaxSurge, other.MaxSurge), AutoRollback: cmp.Or(c.AutoRollback, other.AutoRollback),
	}
}

// StopAfter is how long an instance of the type has between SIGTERM and SIGKILL.
func (c Checks) StopAfter(typ string) time.Duration {
	return cmp.Or(c.StopTimeouts[typ], c.StopTimeout).Duration()
}

// ChecksPatch is a change of checks by the settings' names: path, timeout, interval, grace, drain, stop-timeout,
// stop-timeout[TYPE], strategy, max-surge, auto-rollback. nil means no longer to say it.
type ChecksPatch map[string]*string

// Validate checks each name and value.
func (p ChecksPatch) Validate() error {
	if len(p) == 0 {
		return Errorf(Invalid, "no check given").WithHint("paas checks:set path=/up timeout=60")
	}
	_, _, _, err := Checks{}.Apply(p)
	return err
}

// Apply returns the checks after the patch, and the settings that it changed and those that it removed, sorted.
// Settings that hold the value already, or are not there to remove, count as neither.
func (c Checks) Apply(p ChecksPatch) (next Checks, set, removed []string, err error) {
	next = c
	next.StopTimeouts = maps.Clone(c.StopTimeouts)
	for _, name := range slices.Sorted(maps.Keys(p)) {
		value := ""
		if p[name] != nil {
			if value = *p[name]; value == "" {
				return c, nil, nil, Errorf(Invalid, "the check %s has no value", Quote(name)).WithHint("paas checks:unset %s", name)
			}
		}
		if err := next.set(name, value); err != nil {
			return c, nil, nil, err
		}
	}
	if len(next.StopTimeouts) == 0 {
		next.StopTimeouts = nil
	}
	before, after := c.Values(), next.Values()
	for _, name := range slices.Sorted(maps.Keys(p)) {
		switch after[name] {
		case before[name]:
		case "":
			removed = append(removed, name)
		default:
			set = append(set, name)
		}
	}
	return next, set, removed, nil
}

// set reads value into the named setting; "" makes it unsaid.
func (c *Checks) set(name, value string) error {
	switch name {
	case "path":
		c.Path = value
		if value == "" {
			return nil
		}
		return ValidateCheckPath(value)
	case "strategy":
		c.Strategy = Strategy(value)
		if value != "" && c.Strategy != Rolling && c.Strategy != Recreate {
			return Errorf(Invalid, "%s is not a strategy", Quote(value)).WithHint("use %s or %s", Rolling, Recreate)
		}
		return nil
	case "auto-rollback":
		c.AutoRollback = Switch(value)
		if value != "" && c.AutoRollback != On && c.AutoRollback != Off {
			return Errorf(Invalid, "auto-rollback is %s or %s, not %s", On, Off, Quote(value)).WithHint("paas checks:set auto-rollback=on")
		}
		return nil
	case "max-surge":
		return c.setMaxSurge(value)
	}
	if typ, ok := stopType(name); ok {
		if c.StopTimeouts == nil {
			c.StopTimeouts = map[string]Seconds{}
		}
		seconds, err := parseSeconds("checks", name, value, MaxCheckSeconds)
		c.StopTimeouts[typ] = seconds
		if seconds == 0 {
			delete(c.StopTimeouts, typ)
		}
		return err
	}
	field := c.seconds(name)
	if field == nil {
		return Errorf(Invalid, "there is no check %s", Quote(name)).
			WithHint("the checks are: path, timeout, interval, grace, drain, stop-timeout, stop-timeout[TYPE], strategy, max-surge, auto-rollback")
	}
	seconds, err := parseSeconds("checks", name, value, MaxCheckSeconds)
	*field = seconds
	return err
}

// MaxSurge bounds the setting max-surge.
const MaxSurge = 100

func (c *Checks) setMaxSurge(value string) error {
	c.MaxSurge = 0
	if value == "" {
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > MaxSurge {
		return Errorf(Invalid, "max-surge=%s is not a number of instances from 1 to %d", strings.Trim(Quote(value), `"`), MaxSurge).
			WithHint("paas checks:set max-surge=4")
	}
	c.MaxSurge = n
	return nil
}

// seconds is the field of a setting that is a duration; nil for any other.
func (c *Checks) seconds(name string) *Seconds {
	return map[string]*Seconds{
		"timeout": &c.Timeout, "interval": &c.Interval, "grace": &c.Grace, "drain": &c.Drain, "stop-timeout": &c.StopTimeout,
	}[name]
}

// stopType reads stop-timeout[worker].
func stopType(name string) (typ string, ok bool) {
	rest, ok := strings.CutPrefix(name, "stop-timeout[")
	if !ok {
		return "", false
	}
	typ, ok = strings.CutSuffix(rest, "]")
	return typ, ok && ValidProcessType(typ)
}

// MaxCheckSeconds bounds each duration of the checks.
const MaxCheckSeconds = 3600

// parseSeconds reads the value of a setting that `paas NOUN:set` sets, from 1 to limit.
func parseSeconds(noun, name, value string, limit int) (Seconds, error) {
	if value == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		d, durationErr := time.ParseDuration(value)
		if durationErr == nil && d%time.Second == 0 {
			n, err = int(d/time.Second), nil
		}
	}
	if err != nil || n < 1 || n > limit {
		return 0, Errorf(Invalid, "%s=%s is not a number of seconds from 1 to %d", name, strings.Trim(Quote(value), `"`), limit).
			WithHint("paas %s:set %s=30", noun, name)
	}
	return Seconds(n), nil
}

// maxCheckPath bounds the path of a check, in bytes.
const maxCheckPath = 1024

// ValidateCheckPath refuses what cannot be the path of a request, with its query.
func ValidateCheckPath(path string) error {
	refused := func(why string) error {
		return Errorf(Invalid, "the path %s cannot be checked: %s", Quote(path), why).WithHint("use a path of the app such as /up")
	}
	u, err := url.ParseRequestURI(path)
	switch {
	case !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//"):
		return refused("it does not begin with one /")
	case len(path) > maxCheckPath:
		return refused("it is longer than " + strconv.Itoa(maxCheckPath) + " bytes")
	case strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }):
		return refused("it has a character that belongs escaped, such as %20")
	case err != nil || u.Host != "":
		return refused("it is not the path of a URL")
	}
	return nil
}

// Values are the settings that are said, by their names, as ChecksPatch has them.
func (c Checks) Values() map[string]string {
	values := map[string]string{}
	add := func(name, value string) {
		if value != "" && value != "0" {
			values[name] = value
		}
	}
	add("path", c.Path)
	add("strategy", string(c.Strategy))
	add("max-surge", strconv.Itoa(c.MaxSurge))
	add("auto-rollback", string(c.AutoRollback))
	for _, name := range []string{"timeout", "interval", "grace", "drain", "stop-timeout"} {
		add(name, strconv.Itoa(int(*c.seconds(name))))
	}
	for typ, s := range c.StopTimeouts {
		add("stop-timeout["+typ+"]", strconv.Itoa(int(s)))
	}
	return values
}

// The origins of a setting.
const (
	CheckSet      = "set"      // by checks:set
	CheckDeclared = "app.json" // of the commit
	CheckDefault  = "default"
)

// CheckSetting is one setting of an app's checks as users see it.
type CheckSetting struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // durations in seconds; "" for no path
	Origin string `json:"origin"`
}

// ChecksChange is what a change of checks did.
type ChecksChange struct {
	Set     []string `json:"set"`     // settings set or changed
	Removed []string `json:"removed"` // settings that have their default again
	// Release is the one that it made; nil where nothing changed or nothing is released yet.
	Release *ReleaseInfo `json:"release"`
}

// CheckSettings lists what is in force and who says so, where set is what checks:set said and declared the app.json.
func CheckSettings(set, declared Checks) []CheckSetting {
	layers := []struct {
		origin string
		values map[string]string
	}{{CheckSet, set.Values()}, {CheckDeclared, declared.Values()}, {CheckDefault, DefaultChecks().Values()}}
	names := []string{"path", "timeout", "interval", "grace", "drain", "stop-timeout"}
	for _, typ := range slices.Sorted(maps.Keys(set.Or(declared).StopTimeouts)) {
		names = append(names, "stop-timeout["+typ+"]")
	}
	list := []CheckSetting{}
	for _, name := range append(names, "strategy", "max-surge", "auto-rollback") {
		s := CheckSetting{Name: name, Origin: CheckDefault}
		for _, l := range layers {
			if value, ok := l.values[name]; ok {
				s.Value, s.Origin = value, l.origin
				break
			}
		}
		list = append(list, s)
	}
	return list
}
