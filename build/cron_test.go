package build

import "testing"

func TestSchedules(t *testing.T) {
	for s, want := range map[string]bool{
		"* * * * *": true, "0 1 * * *": true, "*/5 1-3,7 1 jan-mar MON": true, "0 0 1-15/2 * 7": true, "@daily": true, "@hourly": true,
		"@every 1h30m": true, "0  1\t* * ?": true,
		"": false, "* * * *": false, "* * * * * *": false, "60 * * * *": false, "* 24 * * *": false, "* * 0 * *": false, "* * * 13 *": false,
		"* * * * 8": false, "3-1 * * * *": false, "*/0 * * * *": false, "1, * * * *": false, "a * * * *": false, "* * * mon *": false,
		"@reboot": false, "@never": false, "@every x": false, "@every -1h": false, "1-2-3 * * * *": false, "99999999999999999999 * * * *": false,
		"$(id) * * * *": false, "* * * * *; id": false,
	} {
		if got := validSchedule(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
