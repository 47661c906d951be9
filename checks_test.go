package paas_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// patchOf reads words as checks:set has them; a word without = unsets.
func patchOf(words ...string) paas.ChecksPatch {
	p := paas.ChecksPatch{}
	for _, w := range words {
		name, value, ok := strings.Cut(w, "=")
		p[name] = nil
		if ok {
			p[name] = &value
		}
	}
	return p
}

func TestChecksTakeWhatIsSetAndSayWhatChanged(t *testing.T) {
	words := strings.Fields(`path=/up?deep=1 timeout=2m interval=5 grace=3 drain=30 stop-timeout=20 stop-timeout[worker]=120
		strategy=recreate max-surge=4 auto-rollback=on`)
	c, set, removed, err := paas.Checks{}.Apply(patchOf(words...))
	if err != nil {
		t.Fatal(err)
	}
	want := paas.Checks{
		Path: "/up?deep=1", Timeout: 120, Interval: 5, Grace: 3, Drain: 30, StopTimeout: 20, Strategy: paas.Recreate, MaxSurge: 4, AutoRollback: paas.On,
		StopTimeouts: map[string]paas.Seconds{"worker": 120},
	}
	if diff := cmp.Diff(want, c); diff != "" || len(set) != len(words) || removed != nil {
		t.Error(diff, set, removed)
	}
	same, set, removed, err := c.Apply(patchOf("timeout=120", "stop-timeout[clock]"))
	if diff := cmp.Diff(c, same); diff != "" || set != nil || removed != nil || err != nil {
		t.Error("nothing changes:", diff, set, removed, err)
	}
	next, set, removed, err := c.Apply(patchOf("path", "stop-timeout[worker]", "drain=31"))
	if err != nil || next.Path != "" || next.StopTimeouts != nil || next.Drain != 31 {
		t.Errorf("%+v %v", next, err)
	}
	if diff := cmp.Diff([][]string{{"drain"}, {"path", "stop-timeout[worker]"}}, [][]string{set, removed}); diff != "" {
		t.Error(diff)
	}
	if c.StopTimeouts["worker"] != 120 {
		t.Error("Apply changed what it was called on")
	}
}

func TestChecksRefuseWhatCannotBe(t *testing.T) {
	for word, want := range map[string]string{
		"path=up":                             `the path "up" cannot be checked: it does not begin with one /`,
		"path=//evil.example/up":              "it does not begin with one /",
		"path=/a b":                           "it has a character that belongs escaped",
		"path=/a\r\nHost:x":                   "it has a character that belongs escaped",
		"path=/ü":                             "it has a character that belongs escaped",
		"path=/a#b":                           "it has a character that belongs escaped",
		"path=/%zz":                           "it is not the path of a URL",
		"path=/" + strings.Repeat("x", 1024):  "it is longer than 1024 bytes",
		"path=":                               `the check "path" has no value`,
		"timeout=0":                           "timeout=0 is not a number of seconds from 1 to 3600",
		"timeout=-1":                          "timeout=-1 is not a number of seconds",
		"timeout=1.5":                         "timeout=1.5 is not a number of seconds",
		"timeout=1500ms":                      "timeout=1500ms is not a number of seconds",
		"timeout=2h":                          "timeout=2h is not a number of seconds",
		"timeout=99999999999999999999":        "is not a number of seconds",
		"interval=soon":                       "interval=soon is not a number of seconds",
		"stop-timeout[worker]=x":              "stop-timeout[worker]=x is not a number of seconds",
		"stop-timeout[a b]=1":                 `there is no check "stop-timeout[a b]"`,
		"stop-timeout[]=1":                    `there is no check "stop-timeout[]"`,
		"strategy=blue":                       `"blue" is not a strategy`,
		"max-surge=0":                         `max-surge=0 is not a number of instances from 1 to 100`,
		"max-surge=many":                      `max-surge=many is not a number`,
		"auto-rollback=yes":                   `auto-rollback is on or off, not "yes"`,
		"tiemout=1":                           `there is no check "tiemout"`,
		"tiemout":                             `there is no check "tiemout"`,
		"timeout=\x1b[2J":                     `timeout=\x1b[2J is not a number of seconds`,
		"drain=" + strings.Repeat("9", 1<<10): "is not a number of seconds",
	} {
		err := patchOf(word).Validate()
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", word, err)
		}
	}
	if err := (paas.ChecksPatch{}).Validate(); paas.CodeOf(err) != paas.Invalid {
		t.Error(err)
	}
}

func TestChecksAreLayered(t *testing.T) {
	r := paas.Release{
		Checks:   paas.Checks{Path: "/set", StopTimeouts: map[string]paas.Seconds{"worker": 120}},
		Declared: paas.Checks{Path: "/declared", Timeout: 25, StopTimeouts: map[string]paas.Seconds{"clock": 5, "worker": 6}},
	}
	c := r.EffectiveChecks()
	want := paas.DefaultChecks()
	want.Path, want.Timeout, want.StopTimeouts = "/set", 25, map[string]paas.Seconds{"worker": 120, "clock": 5}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	for typ, want := range map[string]int{"worker": 120, "clock": 5, "web": 30} {
		if got := c.StopAfter(typ).Seconds(); int(got) != want {
			t.Errorf("%s stops after %v", typ, got)
		}
	}
	settings := []paas.CheckSetting{
		{Name: "path", Value: "/set", Origin: "set"},
		{Name: "timeout", Value: "25", Origin: "app.json"},
		{Name: "interval", Value: "10", Origin: "default"},
		{Name: "grace", Value: "2", Origin: "default"},
		{Name: "drain", Value: "30", Origin: "default"},
		{Name: "stop-timeout", Value: "30", Origin: "default"},
		{Name: "stop-timeout[clock]", Value: "5", Origin: "app.json"},
		{Name: "stop-timeout[worker]", Value: "120", Origin: "set"},
		{Name: "strategy", Value: "rolling", Origin: "default"},
		{Name: "max-surge", Value: "16", Origin: "default"},
		{Name: "auto-rollback", Value: "off", Origin: "default"},
	}
	if diff := cmp.Diff(settings, paas.CheckSettings(r.Checks, r.Declared)); diff != "" {
		t.Error(diff)
	}
	if got := paas.CheckSettings(paas.Checks{}, paas.Checks{})[0]; got != (paas.CheckSetting{Name: "path", Origin: "default"}) {
		t.Errorf("no path: %+v", got)
	}
	diff := paas.DiffReleases(paas.Release{Checks: paas.Checks{Drain: 5}}, r, nil, nil)
	if d := cmp.Diff([]string{"check path", "check stop-timeout[clock]", "check stop-timeout[worker]", "check timeout"}, diff.Added); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"check drain"}, diff.Removed); d != "" {
		t.Error(d)
	}
}
