package paas

import (
	"strings"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func cron(t testing.TB, text string) Cron {
	t.Helper()
	c, err := ParseCron(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const offsetTime = "2006-01-02 15:04 -07:00"

func TestNextTimesOfASchedule(t *testing.T) {
	for _, tc := range []struct {
		name, cron, zone, after string
		want                    []string
	}{
		{"every minute", "* * * * *", "UTC", "2026-11-24 10:00:30", []string{"2026-11-24 10:01 +00:00", "2026-11-24 10:02 +00:00"}},
		{"the minute itself is over", "0 3 * * *", "UTC", "2026-11-24 03:00:00", []string{"2026-11-25 03:00 +00:00"}},
		{"@daily", "@daily", "UTC", "2026-12-30 12:00:00", []string{"2026-12-31 00:00 +00:00", "2027-01-01 00:00 +00:00"}},
		{"@hourly", "@hourly", "UTC", "2026-12-31 22:30:00", []string{"2026-12-31 23:00 +00:00", "2027-01-01 00:00 +00:00"}},
		{"@weekly is on Sunday", "@weekly", "UTC", "2026-11-24 10:00:00", []string{"2026-11-29 00:00 +00:00"}},
		{"@monthly", "@monthly", "UTC", "2026-11-24 10:00:00", []string{"2026-12-01 00:00 +00:00", "2027-01-01 00:00 +00:00"}},
		{"@yearly", "@yearly", "UTC", "2026-11-24 10:00:00", []string{"2027-01-01 00:00 +00:00", "2028-01-01 00:00 +00:00"}},
		{"lists, ranges and steps", "5,20-30/5 8 * * *", "UTC", "2026-11-24 08:05:00", []string{
			"2026-11-24 08:20 +00:00", "2026-11-24 08:25 +00:00", "2026-11-24 08:30 +00:00", "2026-11-25 08:05 +00:00",
		}},
		{"a step from a value on", "50/5 8 * * *", "UTC", "2026-11-24 08:00:00", []string{"2026-11-24 08:50 +00:00", "2026-11-24 08:55 +00:00", "2026-11-25 08:50 +00:00"}},
		{"names", "0 9 * feb MON-wed", "UTC", "2026-11-24 10:00:00", []string{"2027-02-01 09:00 +00:00", "2027-02-02 09:00 +00:00", "2027-02-03 09:00 +00:00", "2027-02-08 09:00 +00:00"}},
		{"7 is Sunday", "0 9 * * 7", "UTC", "2026-11-24 10:00:00", []string{"2026-11-29 09:00 +00:00"}},
		{"5-7 ends with Sunday", "0 9 * * 5-7", "UTC", "2026-11-24 10:00:00", []string{"2026-11-27 09:00 +00:00", "2026-11-28 09:00 +00:00", "2026-11-29 09:00 +00:00", "2026-12-04 09:00 +00:00"}},
		{"every second weekday begins with Sunday", "0 9 * * */2", "UTC", "2026-11-24 10:00:00", []string{"2026-11-26 09:00 +00:00", "2026-11-28 09:00 +00:00", "2026-11-29 09:00 +00:00"}},
		{"day or weekday, where both are given", "0 0 13 * fri", "UTC", "2026-11-24 10:00:00", []string{"2026-11-27 00:00 +00:00", "2026-12-04 00:00 +00:00", "2026-12-11 00:00 +00:00", "2026-12-13 00:00 +00:00"}},
		{"both, where one begins with *", "0 0 */10 * 1", "UTC", "2026-11-24 10:00:00", []string{"2026-12-21 00:00 +00:00", "2027-01-11 00:00 +00:00"}},
		{"the 31st", "0 0 31 * *", "UTC", "2026-11-24 10:00:00", []string{"2026-12-31 00:00 +00:00", "2027-01-31 00:00 +00:00", "2027-03-31 00:00 +00:00"}},
		{"29 February over 2100", "0 0 29 2 *", "UTC", "2096-03-01 00:00:00", []string{"2104-02-29 00:00 +00:00"}},
		{"in a zone", "0 3 * * *", "Europe/Berlin", "2026-11-24 10:00:00", []string{"2026-11-25 03:00 +01:00"}},
		{"of 45 minutes", "0 3 * * *", "Asia/Kathmandu", "2026-11-24 10:00:00", []string{"2026-11-25 03:00 +05:45"}},

		// 2026-03-29 in Berlin the clocks go from 02:00 to 03:00.
		{"a time that is skipped", "30 2 * * *", "Europe/Berlin", "2026-03-28 01:00:00", []string{"2026-03-28 02:30 +01:00", "2026-03-29 03:00 +02:00", "2026-03-30 02:30 +02:00"}},
		{"several of them", "*/15 2 * * *", "Europe/Berlin", "2026-03-29 00:00:00", []string{"2026-03-29 03:00 +02:00", "2026-03-30 02:00 +02:00"}},
		{"the moment itself", "0 3 * * *", "Europe/Berlin", "2026-03-28 12:00:00", []string{"2026-03-29 03:00 +02:00", "2026-03-30 03:00 +02:00"}},
		{"skipped, and the moment itself", "0 2,3 * * *", "Europe/Berlin", "2026-03-28 12:00:00", []string{"2026-03-29 03:00 +02:00", "2026-03-30 02:00 +02:00"}},
		{"hour by hour, forward", "30 * * * *", "Europe/Berlin", "2026-03-29 00:45:00", []string{"2026-03-29 01:30 +01:00", "2026-03-29 03:30 +02:00", "2026-03-29 04:30 +02:00"}},
		{"every other hour, forward", "0 */2 * * *", "Europe/Berlin", "2026-03-28 23:00:00", []string{"2026-03-29 00:00 +01:00", "2026-03-29 03:00 +02:00", "2026-03-29 04:00 +02:00"}},
		// 2026-10-25 in Berlin they go from 03:00 to 02:00.
		{"a time that comes twice", "30 2 * * *", "Europe/Berlin", "2026-10-24 12:00:00", []string{"2026-10-25 02:30 +02:00", "2026-10-26 02:30 +01:00"}},
		{"several of them twice", "*/20 2 * * *", "Europe/Berlin", "2026-10-25 00:00:00", []string{"2026-10-25 02:00 +02:00", "2026-10-25 02:20 +02:00", "2026-10-25 02:40 +02:00", "2026-10-26 02:00 +01:00"}},
		{"the end of both", "0 3 * * *", "Europe/Berlin", "2026-10-24 12:00:00", []string{"2026-10-25 03:00 +01:00", "2026-10-26 03:00 +01:00"}},
		{"hour by hour, back", "30 * * * *", "Europe/Berlin", "2026-10-25 01:00:00", []string{"2026-10-25 01:30 +02:00", "2026-10-25 02:30 +02:00", "2026-10-25 02:30 +01:00", "2026-10-25 03:30 +01:00"}},
		{"every half an hour, back", "*/30 * * * *", "Europe/Berlin", "2026-10-25 01:45:00", []string{"2026-10-25 02:00 +02:00", "2026-10-25 02:30 +02:00", "2026-10-25 02:00 +01:00", "2026-10-25 02:30 +01:00"}},
		// Lord Howe changes by half an hour, at 02:00; Chile at midnight; Samoa skipped a whole day.
		{"half an hour is skipped", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00:00", []string{"2026-10-04 02:30 +11:00", "2026-10-05 02:15 +11:00"}},
		{"half an hour twice", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04 12:00:00", []string{"2026-04-05 01:45 +11:00", "2026-04-06 01:45 +10:30"}},
		{"midnight is skipped", "@daily", "America/Santiago", "2026-09-05 12:00:00", []string{"2026-09-06 01:00 -03:00", "2026-09-07 00:00 -03:00"}},
		{"a day is skipped", "0 12 * * *", "Pacific/Apia", "2011-12-29 13:00:00", []string{"2011-12-31 00:00 +14:00", "2011-12-31 12:00 +14:00"}},
	} {
		c, z := cron(t, tc.cron), zone(t, tc.zone)
		at, err := time.ParseInLocation("2006-01-02 15:04:05", tc.after, z)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range tc.want {
			if at = c.Next(at, z); at.Format(offsetTime) != want {
				t.Errorf("%s: %s in %s is at %s, not %s", tc.name, tc.cron, tc.zone, at.Format(offsetTime), want)
				break
			}
		}
	}
}

func TestEveryCountsFromTheTimeBefore(t *testing.T) {
	c := cron(t, "@every 90m")
	at := time.Date(2026, 3, 29, 0, 10, 7, 0, time.UTC)
	if next := c.Next(at, zone(t, "Europe/Berlin")); next.Sub(at) != 90*time.Minute {
		t.Errorf("the next is at %s", next)
	}
	if latest := c.Latest(at, at.Add(1000*time.Hour+time.Minute), time.UTC); latest.Sub(at) != 999*time.Hour {
		t.Errorf("the latest is %s later", latest.Sub(at))
	}
	if latest := c.Latest(at, at.Add(89*time.Minute), time.UTC); !latest.IsZero() {
		t.Errorf("the latest before the first is %s", latest)
	}
	if latest := c.Latest(at, at.Add(-time.Hour), time.UTC); !latest.IsZero() {
		t.Errorf("the latest of a clock that was set back is %s", latest)
	}
}

func TestWhatIsNoSchedule(t *testing.T) {
	for text, why := range map[string]string{
		"":                        "it has 0 fields, not five",
		"* * * *":                 "it has 4 fields, not five",
		"* * * * * *":             "it has 6 fields, not five",
		"TZ=0 * * * * *":          "it has 6 fields, not five",
		"60 * * * *":              `its minute "60" is not from 0 to 59`,
		"* 24 * * *":              `its hour "24" is not from 0 to 23`,
		"* * 0 * *":               `its day of the month "0" is not from 1 to 31`,
		"* * * 13 *":              `its month "13" is not from 1 to 12`,
		"* * * * 8":               `its day of the week "8" is not from 0 to 7`,
		"* * * * fri-mon":         `its day of the week "fri-mon" is not from 0 to 7`,
		"*/0 * * * *":             `its minute "*/0" is not from 0 to 59`,
		"1,,2 * * * *":            `its minute "" is not from 0 to 59`,
		"-1 * * * *":              `its minute "-1" is not from 0 to 59`,
		"0 0 31 2 *":              "that day never comes",
		"@never":                  "there is no such word",
		"@every":                  "there is no such word",
		"@every x":                `"x" is not a duration`,
		"@every 1ms":              `"1ms" is not between 1s and 8784h0m0s`,
		"@every -1h":              `"-1h" is not between 1s and 8784h0m0s`,
		strings.Repeat("1,", 200): "it has more than 256 bytes",
	} {
		if _, err := ParseCron(text); CodeOf(err) != Invalid || !strings.HasSuffix(err.Error(), "is no schedule: "+why) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzCron holds what is true of every schedule: times go forward and match, none is left out, and Latest is the last of them.
func FuzzCron(f *testing.F) {
	for _, text := range []string{"* * * * *", "30 2 * * *", "*/7 1-5 13 * fri", "0 0 29 2 *", "@every 7m", "@weekly", "TZ=0 * * * * *"} {
		f.Add(text, "Europe/Berlin", int64(1774742400), uint32(100_000)) // the day before the clocks go forward
		f.Add(text, "Australia/Lord_Howe", int64(1775300000), uint32(100_000))
		f.Add(text, "", int64(1792882800), uint32(100_000))
	}
	f.Fuzz(func(t *testing.T, text, name string, unix int64, span uint32) {
		c, err := ParseCron(text)
		z, zoneErr := time.LoadLocation(name)
		if err != nil || zoneErr != nil || unix < 0 || unix > 1<<33 {
			return
		}
		if again, err := ParseCron(c.String()); err != nil || again != c {
			t.Fatalf("%q reads as %v, and that not as itself: %v", text, c, err)
		}
		start := time.Unix(unix, 0)
		end, latest := start.Add(time.Duration(span%1_000_000)*time.Second), time.Time{}
		for at, n := start, 0; n < 3000; n++ {
			next := c.Next(at, z)
			if next.IsZero() || next.After(end) {
				if got := c.Latest(start, end, z); !got.Equal(latest) {
					t.Fatalf("%q in %q: the latest from %s to %s is %s, not %s", text, name, start, end, got, latest)
				}
				return
			}
			if !next.After(at) {
				t.Fatalf("%q in %q: after %s comes %s", text, name, at, next)
			}
			if c.Every() == 0 && !c.onTime(next, z) {
				t.Fatalf("%q in %q: %s is no time of it", text, name, next)
			}
			at, latest = next, next
		}
	})
}

// onTime says whether the clocks show a time of the schedule at at, or have just gone past one.
func (c Cron) onTime(at time.Time, z *time.Location) bool {
	at = at.In(z)
	for shown := face(at); ; shown = shown.Add(-time.Minute) {
		if c.onDay(shown) && has(c.months, int(shown.Month())) && has(c.hours, shown.Hour()) && has(c.minutes, shown.Minute()) {
			return true
		}
		if from, _ := at.ZoneBounds(); !from.Equal(at) || !shown.After(face(at.Add(-1))) {
			return false
		}
	}
}
