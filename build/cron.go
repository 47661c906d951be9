package build

import (
	"strconv"
	"strings"
	"time"

	"paas"
)

// readCron reads the schedules of an app.json: [{"command": "…", "schedule": "0 1 * * *"}], with what cron:add takes besides.
func (m *manifest) readCron(n node) error {
	items, err := n.list("cron", "schedules")
	if err != nil {
		return err
	}
	if len(items) > paas.MaxSchedules {
		return n.errorf("cron has %d schedules, and an app at most %d", len(items), paas.MaxSchedules)
	}
	names := map[string]bool{}
	for i, item := range items {
		name := "cron[" + strconv.Itoa(i) + "]"
		s, err := m.readSchedule(name, item)
		if err != nil {
			return err
		}
		if names[s.Name] {
			return item.errorf("%s is named %s, as one before it is", name, paas.Quote(s.Name))
		}
		names[s.Name] = true
		m.Schedules = append(m.Schedules, s)
	}
	return nil
}

func (m *manifest) readSchedule(name string, n node) (s paas.Schedule, err error) {
	f, err := n.object(name)
	if err != nil {
		return s, err
	}
	for _, key := range []string{"command", "schedule"} {
		if !f[key].there() {
			return s, n.errorf("%s has no %s", name, key)
		}
	}
	command, err := f["command"].command(name + ".command")
	if err != nil {
		return s, err
	}
	s.Command = []string{command}
	if s.Cron, err = f["schedule"].command(name + ".schedule"); err != nil {
		return s, err
	}
	if _, err := paas.ParseCron(s.Cron); err != nil {
		return s, f["schedule"].errorf("%s.schedule: %w", name, err)
	}
	if err := m.readScheduleOptions(name, f, &s); err != nil {
		return s, err
	}
	if s.Name == "" {
		s.Name = s.DefaultName()
	}
	if err := s.Validate(); err != nil {
		return s, n.errorf("%s: %w", name, err)
	}
	m.ignoreRest(appJSON, name, f, "command", "schedule", "name", "timezone", "overlap", "catch_up", "timeout", "size", "concurrency_policy")
	return s, nil
}

// readScheduleOptions reads what a schedule need not say. concurrency_policy is Dokku's word for overlap.
func (m *manifest) readScheduleOptions(name string, f fields, s *paas.Schedule) (err error) {
	said := map[string]string{}
	for _, key := range []string{"name", "timezone", "overlap", "timeout", "size", "concurrency_policy"} {
		if said[key], err = f[key].text(name + "." + key); err != nil {
			return err
		}
	}
	s.Name, s.Timezone, s.Overlap = said["name"], said["timezone"], paas.Overlap(said["overlap"])
	if s.CatchUp, err = f["catch_up"].flag(name+".catch_up", false); err != nil {
		return err
	}
	if said["timeout"] != "" {
		if s.Timeout, err = time.ParseDuration(said["timeout"]); err != nil || s.Timeout <= 0 {
			return f["timeout"].errorf("%s.timeout is %s, not a duration such as 1h30m", name, f["timeout"].kind())
		}
	}
	if said["size"] != "" {
		if s.Size, err = paas.ParseSize(said["size"]); err != nil {
			return f["size"].errorf("%s.size: %w", name, err)
		}
	}
	if s.Overlap == "" {
		s.Overlap = map[string]paas.Overlap{"allow": paas.OverlapAllow, "forbid": paas.OverlapSkip}[strings.ToLower(said["concurrency_policy"])]
		if said["concurrency_policy"] != "" && s.Overlap == "" {
			m.ignore(appJSON, name+".concurrency_policy (there are overlap: skip, queue and allow)")
		}
	}
	return nil
}
