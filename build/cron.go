package build

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readCron checks the shape of an app.json's schedules: [{"command": "…", "schedule": "0 1 * * *"}].
func readCron(n node) error {
	items, err := n.list("cron", "schedules")
	for i := range items {
		if err := readSchedule("cron["+strconv.Itoa(i)+"]", items[i]); err != nil {
			return err
		}
	}
	return err
}

func readSchedule(name string, n node) error {
	f, err := n.object(name)
	if err != nil {
		return err
	}
	var said [2]string
	for i, key := range []string{"command", "schedule"} {
		if !f[key].there() {
			return n.errorf("%s has no %s", name, key)
		}
		if said[i], err = f[key].command(name + "." + key); err != nil {
			return err
		}
	}
	if s := f["schedule"]; !validSchedule(said[1]) {
		return s.errorf("%s.schedule is %s, not five fields such as 0 1 * * *, and not @daily or the like", name, s.kind())
	}
	return nil
}

// cronField is one of the five fields of a schedule: its range, and the names of its values.
type cronField struct {
	low, high int
	names     []string // of low and the values after it
}

func cronFields() []cronField {
	return []cronField{
		{0, 59, nil},
		{0, 23, nil},
		{1, 31, nil},
		{1, 12, strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
		{0, 7, strings.Fields("sun mon tue wed thu fri sat")},
	}
}

var cronWords = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}

// validSchedule knows what crontab(5) has, and @every.
func validSchedule(s string) bool {
	if every, ok := strings.CutPrefix(s, "@every "); ok {
		d, err := time.ParseDuration(every)
		return err == nil && d > 0
	}
	words := strings.Fields(s)
	if len(words) == 1 {
		return slices.Contains(cronWords, words[0])
	}
	fields := cronFields()
	if len(words) != len(fields) {
		return false
	}
	for i, f := range fields {
		for part := range strings.SplitSeq(words[i], ",") {
			if !f.valid(part) {
				return false
			}
		}
	}
	return true
}

// cronPart is *, 5, 5-9, and each of these with a step behind a slash.
var cronPart = regexp.MustCompile(`^(?:[*?]|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:/([0-9]{1,4}))?$`)

func (f cronField) valid(part string) bool {
	m := cronPart.FindStringSubmatch(part)
	if m == nil {
		return false
	}
	if step, err := strconv.Atoi(m[3]); m[3] != "" && (err != nil || step < 1) {
		return false
	}
	if m[1] == "" {
		return true
	}
	from, ok := f.number(m[1])
	if !ok || m[2] == "" {
		return ok
	}
	to, ok := f.number(m[2])
	return ok && from <= to
}

func (f cronField) number(word string) (int, bool) {
	if i := slices.Index(f.names, strings.ToLower(word)); i >= 0 {
		return f.low + i, true
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= f.low && n <= f.high
}
