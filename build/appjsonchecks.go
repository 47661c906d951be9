package build

import (
	"fmt"
	"slices"

	"paas"
)

// readChecks reads the healthchecks of an app.json, in the form that Heroku's and Dokku's have: per process type a
// list of checks. Those of web with a path give the path, startup ones the timeout, liveness ones the interval; an uptime
// of another type gives the grace.
func (m *manifest) readChecks(types paas.ProcessTypes) error {
	byType, err := m.healthchecks.object("healthchecks")
	if err != nil {
		return err
	}
	for _, typ := range byType.keys() {
		if err := m.readType(typ, byType[typ], types); err != nil {
			return err
		}
	}
	return nil
}

func (m *manifest) readType(typ string, n node, types paas.ProcessTypes) error {
	name := "healthchecks." + cleanName(typ)
	items, err := n.list(name, "checks")
	if err != nil {
		return err
	}
	if !slices.Contains(types.Names(), typ) {
		m.ignore(appJSON, name+noSuchType)
		return nil
	}
	for i, item := range items {
		c, err := readCheck(fmt.Sprintf("%s[%d]", name, i), item)
		if err == nil {
			err = m.apply(typ, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// check is one item of healthchecks.
type check struct {
	node
	name   string
	fields fields
}

func readCheck(name string, n node) (check, error) {
	fields, err := n.object(name)
	return check{node: n, name: name, fields: fields}, err
}

// The values of a check that app.json leaves out, as its readers have them.
const (
	defaultAttempts = 3
	defaultWait     = 5 // seconds between attempts
	defaultAnswer   = 5 // seconds for one
)

// apply maps one check to the settings of the app.
func (m *manifest) apply(typ string, c check) error {
	kind, err := c.text("type")
	if err != nil {
		return err
	}
	applied := []string{"type", "name", "description"}
	switch {
	case kind != "" && kind != "startup" && kind != "liveness" && kind != "readiness":
		return c.fields["type"].errorf("%s.type is %s, not startup, liveness or readiness", c.name, paas.Quote(kind))
	case kind == "readiness" || c.has("command"):
		m.ignore(appJSON, c.name)
		return nil
	case c.has("uptime"):
		applied, err = m.applyUptime(typ, c, applied)
	case typ != paas.Web:
		m.ignore(appJSON, c.name+" (only web has a port)")
		return nil
	case kind == "liveness":
		applied, err = m.applyLiveness(c, applied)
	default:
		applied, err = m.applyStartup(c, applied)
	}
	for _, key := range c.fields.keys() {
		if !slices.Contains(applied, key) {
			m.ignore(appJSON, c.name+"."+cleanName(key))
		}
	}
	return err
}

// applyUptime: how long a process without a port has to run before it counts as up.
func (m *manifest) applyUptime(typ string, c check, applied []string) ([]string, error) {
	uptime, err := c.number("uptime", 0)
	if err != nil || typ == paas.Web {
		return applied, err
	}
	m.checks.Grace = max(m.checks.Grace, paas.Seconds(uptime))
	return append(applied, "uptime"), nil
}

// applyStartup: the time that all attempts together take is the time that an instance has to become healthy.
func (m *manifest) applyStartup(c check, applied []string) ([]string, error) {
	applied, err := m.applyPath(c, applied)
	if err != nil {
		return applied, err
	}
	timing := []struct {
		key string
		def int
	}{{"initialDelay", 0}, {"attempts", defaultAttempts}, {"timeout", defaultAnswer}, {"wait", defaultWait}}
	said := false
	var v [4]int
	for i, t := range timing {
		if v[i], err = c.number(t.key, t.def); err != nil {
			return applied, err
		}
		said = said || c.has(t.key)
		applied = append(applied, t.key)
	}
	if !said {
		return applied, nil
	}
	total := v[0] + v[1]*v[2] + max(0, v[1]-1)*v[3]
	if total < 1 || total > paas.MaxCheckSeconds {
		return applied, c.errorf("%s gives the app %d seconds to start, not 1 to %d", c.name, total, paas.MaxCheckSeconds)
	}
	m.checks.Timeout = max(m.checks.Timeout, paas.Seconds(total))
	return applied, nil
}

// applyLiveness: the wait between attempts is the interval of the checks while the app runs.
func (m *manifest) applyLiveness(c check, applied []string) ([]string, error) {
	applied, err := m.applyPath(c, applied)
	if err != nil {
		return applied, err
	}
	wait, err := c.number("wait", 0)
	if err != nil {
		return applied, err
	}
	if wait > 0 && (m.checks.Interval == 0 || paas.Seconds(wait) < m.checks.Interval) {
		m.checks.Interval = paas.Seconds(wait)
	}
	return append(applied, "wait"), nil
}

// applyPath takes the first path there is: one path is checked, at the start and after it.
func (m *manifest) applyPath(c check, applied []string) ([]string, error) {
	listening, err := c.flag("listening")
	if err != nil || listening {
		return append(applied, "listening"), err // which is always checked
	}
	path, err := c.text("path")
	if err != nil {
		return applied, err
	}
	if path == "" {
		path = "/"
	}
	if err := paas.ValidateCheckPath(path); err != nil {
		return applied, c.errorf("%s: %w", c.name, err)
	}
	if m.checks.Path == "" {
		m.checks.Path = path
	}
	if m.checks.Path == path {
		applied = append(applied, "path")
	}
	return applied, nil
}

func (c check) has(key string) bool { return c.fields[key].there() }

func (c check) text(key string) (string, error) { return c.fields[key].text(c.name + "." + key) }

func (c check) flag(key string) (bool, error) { return c.fields[key].flag(c.name+"."+key, false) }

func (c check) number(key string, def int) (int, error) {
	return c.fields[key].number(c.name+"."+key, def, paas.MaxCheckSeconds)
}
