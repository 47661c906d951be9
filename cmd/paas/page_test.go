package main

import (
	"testing"
	"time"
)

func TestAges(t *testing.T) {
	tty, pipe := &page{tty: true, now: clock}, &page{now: clock}
	for _, c := range []struct {
		age  time.Duration
		want string
	}{
		{-time.Hour, "just now"}, // their clock is ahead
		{0, "just now"},
		{12 * time.Second, "12s ago"},
		{3*time.Minute + 59*time.Second, "3m ago"},
		{47 * time.Hour, "47h ago"},
		{72 * time.Hour, "3d ago"},
		{100 * 24 * time.Hour, "2026-08-15"},
	} {
		if got := tty.ago(clock.Add(-c.age)); got != c.want {
			t.Errorf("%s old: %q, want %q", c.age, got, c.want)
		}
	}
	if got := pipe.ago(clock.Add(-time.Minute)); got != "2026-11-23T06:35:01Z" {
		t.Errorf("piped: %q", got)
	}
	if got := tty.ago(time.Time{}) + pipe.ago(time.Time{}) + tty.until(time.Time{}); got != "" {
		t.Errorf("no time is %q", got)
	}
	if got := tty.until(clock.Add(8 * time.Second)); got != "in 8s" {
		t.Errorf("until: %q", got)
	}
	if got := tty.until(clock.Add(-8 * time.Second)); got != "now" {
		t.Errorf("overdue: %q", got)
	}
}

func TestCellsStayOnTheirLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü 🐟":      "plain ü 🐟",
		"a\tb\nc":        `a\tb\nc`,
		"\x1b[31mred\a":  `\x1b[31mred\a`,
		"C1\u009bescape": `C1\u009bescape`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNameOf(t *testing.T) {
	for in, want := range map[string]string{
		"hello": "hello", "My App": "my-app", "2fast.4u": "fast-4u", "--x--": "x", "søt": "s-t", "123": "", "": "",
		"a-very-long-folder-name-that-is-cut": "a-very-long-folder-name-that-i", "twenty-nine-characters-then---x": "twenty-nine-characters-then-x",
	} {
		if got := nameOf(in); got != want {
			t.Errorf("nameOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestParsePlace(t *testing.T) {
	for in, want := range map[string]place{
		"ssh://paas@host:2222/hello": {"ssh://paas@host:2222", "hello"},
		"ssh://host/hello.git":       {"ssh://host", "hello"},
		"ssh://[::1]:2222/hello/":    {"ssh://[::1]:2222", "hello"},
		"ssh://host/":                {},
		"ssh://host/a/b":             {},
		"ssh:///hello":               {},
		"https://host/hello":         {},
		"paas@host:hello":            {},
		"":                           {},
		"ssh://ho st/%zz":            {},
	} {
		if got, ok := parsePlace(in); got != want || ok != (want != place{}) {
			t.Errorf("parsePlace(%q) = %v, %v, want %v", in, got, ok, want)
		}
	}
}
