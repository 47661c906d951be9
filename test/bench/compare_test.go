package bench

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"paas/test/report"
)

// measure is one comparison. Before and After of a round are not timed.
type measure struct {
	Name, Reference string
	Target          float64       // the ratio to hold; 0: none
	Goal            time.Duration // the time to hold instead
	Before, After   func()
	Theirs, Ours    func()
	// Counted tells how much of Ours is measured; nil: all of it.
	Counted func() time.Duration
	// Docker tells how much of Ours were the engine's own calls: they are the reference then, and do not count as ours.
	Docker func() time.Duration
}

// row of the table.
type row struct {
	measure
	theirs, ours []time.Duration
}

var rows []row

// warmUp rounds do not count.
const warmUp = 1

// compare runs b.N rounds, the reference first and ours right after it.
func compare(b *testing.B, m measure) {
	b.Helper()
	r := row{measure: m}
	for round := range b.N + warmUp {
		if m.Before != nil {
			m.Before()
		}
		theirs, ours := timed(m.Theirs), timed(m.Ours)
		if m.Counted != nil {
			ours = m.Counted()
		}
		if m.Docker != nil {
			theirs = m.Docker()
			ours -= theirs
		}
		if m.After != nil {
			m.After()
		}
		if round >= warmUp {
			r.theirs, r.ours = append(r.theirs, theirs), append(r.ours, ours)
		}
	}
	b.ReportMetric(0, "ns/op") // the mean of both says nothing
	b.ReportMetric(median(r.ours).Seconds()*1000, "ms")
	b.ReportMetric(r.ratio(), "x-reference")
	if b.N > 1 { // the benchmark runner tries one round first
		rows = append(rows, r)
	}
}

func timed(fn func()) time.Duration {
	if fn == nil {
		return 0
	}
	began := time.Now()
	fn()
	return time.Since(began)
}

func median(d []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

func (r row) ratio() float64 { return median(r.ours).Seconds() / median(r.theirs).Seconds() }

// verdict compares with what DESIGN wants, in plain words.
func (r row) verdict() string {
	switch {
	case r.Goal > 0 && median(r.ours) <= r.Goal:
		return fmt.Sprintf("≤ %d ms: held", r.Goal.Milliseconds())
	case r.Goal > 0:
		return fmt.Sprintf("≤ %d ms: missed", r.Goal.Milliseconds())
	case r.ratio() <= r.Target:
		return fmt.Sprintf("≤ %.1f x: held", r.Target)
	}
	return fmt.Sprintf("≤ %.1f x: missed", r.Target)
}

// write makes the document of what was measured in this run.
func write(path string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmarks\n\nWritten by `make bench`: medians of one run on one machine, each round the reference first and then paas. Times depend on the\n"+
		"machine, the ratios hardly. In brackets: the fastest and the slowest round.\n\n")
	fmt.Fprintf(&b, "%s, %s\n\n", time.Now().UTC().Format("2006-01-02"), report.Machine())
	if builder == "0" {
		fmt.Fprintf(&b, "The docker command of that machine could not use BuildKit, so the reference of *push* is the classic builder.\n\n")
	}
	fmt.Fprintf(&b, "| what | paas | reference | ratio | target |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s: %s | %.2f | %s |\n", r.Name, times(r.ours), r.Reference, times(r.theirs), r.ratio(), r.verdict())
	}
	for _, table := range []struct {
		title string
		facts []fact
	}{{"A thousand apps", facts}, {"A large push", pushFacts}} {
		if len(table.facts) > 0 {
			fmt.Fprintf(&b, "\n%s:\n\n| what | measured | target |\n| --- | --- | --- |\n", table.title)
		}
		for _, f := range table.facts {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", f.name, f.text(), f.verdict())
		}
	}
	notes, err := os.ReadFile("notes.md")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(b.String()), notes...), 0o644)
}

func times(d []time.Duration) string {
	return fmt.Sprintf("%d ms (%d–%d, n=%d)", median(d).Milliseconds(), slices.Min(d).Milliseconds(), slices.Max(d).Milliseconds(), len(d))
}
