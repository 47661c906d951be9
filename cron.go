package paas

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Cron says when something is to happen: the five fields of crontab(5), @daily and the like, or @every with a duration. The
// zero Cron is not one; ParseCron makes them.
type Cron struct {
	text  string
	every time.Duration // of @every; else the fields hold
	// The values that match, a bit each.
	minutes, hours, days, months, weekdays uint64
	// anyDay: days or weekdays begins with *, so that both have to match; else one of them has to.
	anyDay bool
}

// The bounds of @every.
const (
	MinEvery = time.Second
	MaxEvery = 366 * 24 * time.Hour
)

// maxCronBytes is more than any schedule that makes sense.
const maxCronBytes = 256

// cronYears is how far ahead a time is looked for: 29 February can be eight years away.
const cronYears = 9

// cronField is one of the five fields: its range, and the names of its values.
type cronField struct {
	name           string
	low, high, end int      // end is where a range ends that does not say: at Saturday, since it began with Sunday
	names          []string // of low and the values after it
}

func cronFields() [5]cronField {
	return [5]cronField{
		{"minute", 0, 59, 59, nil},
		{"hour", 0, 23, 23, nil},
		{"day of the month", 1, 31, 31, nil},
		{"month", 1, 12, 12, strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
		{"day of the week", 0, 7, 6, strings.Fields("sun mon tue wed thu fri sat")}, // 7 is Sunday, too
	}
}

func cronWord(word string) (fields string, ok bool) {
	fields, ok = map[string]string{
		"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
		"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
	}[word]
	return fields, ok
}

const cronHint = `for example "0 3 * * *" (minute, hour, day, month, weekday), @daily or "@every 10m"`

// ParseCron reads a schedule as a person writes it. One that never comes, such as 31 February, is none.
func ParseCron(text string) (Cron, error) {
	refuse := func(format string, args ...any) (Cron, error) {
		return Cron{}, Errorf(Invalid, "%s is no schedule: "+format, append([]any{Quote(text)}, args...)...).WithHint("%s", cronHint)
	}
	if len(text) > maxCronBytes {
		return refuse("it has more than %d bytes", maxCronBytes)
	}
	words := strings.Fields(text)
	c := Cron{text: strings.Join(words, " ")}
	switch {
	case len(words) == 2 && words[0] == "@every":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			return refuse("%s is not a duration", Quote(words[1]))
		}
		if d < MinEvery || d > MaxEvery {
			return refuse("%s is not between %s and %s", Quote(words[1]), MinEvery, MaxEvery)
		}
		c.every = d
		return c, nil
	case len(words) == 1 && strings.HasPrefix(words[0], "@"):
		fields, ok := cronWord(words[0])
		if !ok {
			return refuse("there is no such word")
		}
		words = strings.Fields(fields)
	case len(words) != 5:
		return refuse("it has %d fields, not five", len(words))
	}
	if err := c.readFields(words); err != nil {
		return refuse("%w", err)
	}
	if c.Next(time.Unix(0, 0), time.UTC).IsZero() {
		return refuse("that day never comes")
	}
	return c, nil
}

func (c *Cron) readFields(words []string) error {
	fields := cronFields()
	for i, set := range []*uint64{&c.minutes, &c.hours, &c.days, &c.months, &c.weekdays} {
		var err error
		if *set, err = fields[i].read(words[i]); err != nil {
			return err
		}
	}
	if c.weekdays&(1<<7) != 0 {
		c.weekdays |= 1
	}
	c.anyDay = open(words[2]) || open(words[4])
	return nil
}

// open says whether a field restricts nothing by itself, as crontab(5) has it: by its first character.
func open(word string) bool { return word[0] == '*' || word[0] == '?' }

// cronPart is *, 5, 5-9, and each of these with a step behind a slash.
var cronPart = regexp.MustCompile(`^(?:[*?]|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:/([0-9]{1,4}))?$`)

// read returns the values of a field, a bit each.
func (f cronField) read(word string) (set uint64, err error) {
	for part := range strings.SplitSeq(word, ",") {
		some, ok := f.part(part)
		if !ok {
			return 0, Errorf(Invalid, "its %s %s is not from %d to %d", f.name, Quote(part), f.low, f.high)
		}
		set |= some
	}
	return set, nil
}

func (f cronField) part(part string) (set uint64, ok bool) {
	m := cronPart.FindStringSubmatch(part)
	if m == nil {
		return 0, false
	}
	step, from, to := 1, f.low, f.end
	if m[3] != "" {
		if step, _ = strconv.Atoi(m[3]); step < 1 {
			return 0, false
		}
	}
	if m[1] != "" {
		if from, ok = f.number(m[1]); !ok {
			return 0, false
		}
		switch {
		case m[2] != "":
			if to, ok = f.number(m[2]); !ok || to < from {
				return 0, false
			}
		case m[3] == "": // 5 alone; 5/10 goes on to the end
			to = from
		}
	}
	for v := from; v <= to; v += step {
		set |= 1 << v
	}
	return set, true
}

func (f cronField) number(word string) (int, bool) {
	if i := slices.Index(f.names, strings.ToLower(word)); i >= 0 {
		return f.low + i, true
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= f.low && n <= f.high
}

// String is the schedule as it was written.
func (c Cron) String() string { return c.text }

// Every is the duration of @every; 0 for any other schedule.
func (c Cron) Every() time.Duration { return c.every }

// Next is the first time after after; the zero time where there is none within years. The fields are those of the clocks in
// zone:
//
//   - a time that they skip, when they go forward, is at the moment at which they do, once for all that is skipped;
//   - a time that they show twice, when they go back, is the first of both;
//   - a schedule of every hour does not follow them but goes on hour by hour: it skips nothing and comes in both passes.
//
// @every counts from after.
func (c Cron) Next(after time.Time, zone *time.Location) time.Time {
	if c.every > 0 {
		return after.Add(c.every)
	}
	t := after.In(zone)
	shown, end := face(t), face(t).AddDate(cronYears, 0, 0)
	for {
		from, to := t.ZoneBounds()
		if !c.hourly() && !from.IsZero() {
			// Where the clocks went back at from, they show again what they had shown until then.
			if before := face(from.Add(-1)); before.After(shown) {
				shown = before
			}
		}
		next := c.nextOnFace(shown, end)
		if next.IsZero() {
			return time.Time{}
		}
		_, offset := t.Zone()
		at := time.Unix(next.Unix()-int64(offset), 0).In(zone)
		if to.IsZero() || at.Before(to) {
			return at
		}
		if !c.hourly() && next.Before(face(to)) {
			return to // the clocks go past it
		}
		t, shown = to, face(to).Add(-1)
	}
}

// hourly says whether the schedule is one of every hour.
func (c Cron) hourly() bool { return c.hours == 1<<24-1 }

// face is what a clock shows at t, as if it were in UTC.
func face(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// nextOnFace is the first minute after t that matches, on a clock that never changes; the zero time after end.
func (c Cron) nextOnFace(t, end time.Time) time.Time {
	t = t.Truncate(time.Minute).Add(time.Minute)
	for !t.After(end) {
		switch {
		case !has(c.months, int(t.Month())):
			t = time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.onDay(t):
			t = time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
		case !has(c.hours, t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !has(c.minutes, t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t
		}
	}
	return time.Time{}
}

func (c Cron) onDay(t time.Time) bool {
	day, weekday := has(c.days, t.Day()), has(c.weekdays, int(t.Weekday()))
	if c.anyDay {
		return day && weekday
	}
	return day || weekday
}

func has(set uint64, v int) bool { return set&(1<<v) != 0 }

// Latest is the last time after after and not after now; the zero time where there is none. It takes the same for a minute
// and for years.
func (c Cron) Latest(after, now time.Time, zone *time.Location) time.Time {
	if c.every > 0 {
		n := now.Sub(after) / c.every
		if n < 1 {
			return time.Time{}
		}
		return after.Add(n * c.every)
	}
	came := func(since time.Time) bool {
		next := c.Next(since, zone)
		return !next.IsZero() && !next.After(now)
	}
	if !now.After(after) || !came(after) {
		return time.Time{}
	}
	// One comes after lo, and none after hi. Two never come within the same second.
	lo, hi := after, now
	for hi.Sub(lo) > time.Second {
		if mid := lo.Add(hi.Sub(lo) / 2); came(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return c.Next(lo, zone)
}
