package main

import (
	"fmt"
	"time"
)

// old is the age from which a date says more than a number of days.
const old = 60 * 24 * time.Hour

// ago shows a moment of the past: 3m ago on a terminal, RFC 3339 elsewhere. A zero time is empty. A clock that is
// ahead of ours is "just now".
func (p *page) ago(t time.Time) string {
	switch age := p.now.Sub(t); {
	case t.IsZero():
		return ""
	case !p.tty:
		return t.UTC().Format(time.RFC3339)
	case age < time.Second:
		return "just now"
	case age >= old:
		return t.Local().Format("2006-01-02")
	default:
		return span(age) + " ago"
	}
}

// until shows a moment to come: in 8s on a terminal, RFC 3339 elsewhere.
func (p *page) until(t time.Time) string {
	switch left := t.Sub(p.now); {
	case t.IsZero():
		return ""
	case !p.tty:
		return t.UTC().Format(time.RFC3339)
	case left < time.Second:
		return "now"
	default:
		return "in " + span(left)
	}
}

// seconds shows how long something took: 12.3s on a terminal, the bare number elsewhere.
func (p *page) seconds(s float64) string {
	switch {
	case !p.tty:
		return fmt.Sprintf("%.3f", s)
	case s < 60:
		return fmt.Sprintf("%.1fs", s)
	default:
		return time.Duration(s * float64(time.Second)).Round(time.Second).String()
	}
}

// span is a duration in its largest unit.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	default:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
}

// moment is *t, or the zero time.
func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
