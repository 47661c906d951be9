package soak

import (
	"fmt"
	"strings"
	"time"

	"paas/test/report"
)

// table is the result.
type table struct {
	first, last sample
	goroutines  counts
	left        left // once all apps are destroyed
	restarted   left // the same after a restart of Docker
	took        time.Duration
	requests    int
	mix         string
}

// The bounds. Memory: what a collected heap may differ by, at a different moment. Descriptors, goroutines: connections and
// requests that happen to be under way. The store: what a release leaves on record, an event for each of its steps included.
const (
	moreMemory     = 12 << 20
	moreFiles      = 16
	moreThreads    = 8
	moreGoroutines = 20
	perDeploy      = 16 << 10
	logsPerApp     = 12 << 20
)

// row is one measure.
type row struct {
	what, first, last, bound string
	held                     bool
}

func (t table) rows() []row {
	n := int64(t.last.deploys - t.first.deploys)
	grown := (t.last.store - t.first.store) / n
	return []row{
		more("paasd: memory of its own, MB", t.first.paasd.memory, t.last.paasd.memory, moreMemory, 1<<20),
		more("paasd: open files", int64(t.first.paasd.files), int64(t.last.paasd.files), moreFiles, 1),
		more("paasd: threads", int64(t.first.paasd.tasks), int64(t.last.paasd.tasks), moreThreads, 1),
		fresh("paasd: goroutines", t.goroutines.freshPaasd, t.goroutines.paasd),
		more("router: memory of its own, MB", t.first.router.memory, t.last.router.memory, moreMemory, 1<<20),
		more("router: open files", int64(t.first.router.files), int64(t.last.router.files), moreFiles, 1),
		more("router: threads", int64(t.first.router.tasks), int64(t.last.router.tasks), moreThreads, 1),
		fresh("router: goroutines", t.goroutines.freshRouter, t.goroutines.router),
		none("containers beyond the formations", t.first.containers, t.last.containers),
		none("images beyond one a build, within the month that they are kept", t.first.images, t.last.images),
		none("networks beyond one an app", t.first.networks, t.last.networks),
		gone("all apps destroyed: containers", t.left.containers, t.restarted.containers),
		gone("all apps destroyed: images", t.left.images, t.restarted.images),
		gone("all apps destroyed: networks", t.left.networks, t.restarted.networks),
		{"store: bytes a deploy", "", fmt.Sprint(grown), fmt.Sprintf("≤ %d", perDeploy), grown <= perDeploy},
		{
			"logs, MB", megabytes(t.first.logs), megabytes(t.last.logs), fmt.Sprintf("≤ %d an app", logsPerApp>>20),
			t.last.logs <= apps*logsPerApp,
		},
		{"data directory without repositories, MB", megabytes(t.first.data), megabytes(t.last.data), "as the two above", true},
	}
}

func more(what string, first, last, by, unit int64) row {
	show := func(n int64) string { return fmt.Sprint(n) }
	if unit > 1 {
		show = megabytes
	}
	return row{what, show(first), show(last), fmt.Sprintf("≤ first + %d", by/unit), last <= first+by}
}

func fresh(what string, fresh, last int) row {
	return row{what, fmt.Sprintf("%d (just started)", fresh), fmt.Sprint(last), fmt.Sprintf("≤ first + %d", moreGoroutines), last <= fresh+moreGoroutines}
}

func none(what string, first, last int) row {
	return row{what, fmt.Sprint(first), fmt.Sprint(last), "0", last == 0}
}

// gone is what is left of destroyed apps. Docker may hold on to a network without anything on it until it is restarted: its
// count of what is on it can be wrong.
func gone(what string, left, restarted int) row {
	last := fmt.Sprint(left)
	if left > 0 {
		last += fmt.Sprintf("; after a restart of Docker %d", restarted)
	}
	return row{what, "", last, "0", restarted == 0}
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }

func (t table) flaws() (all []error) {
	for _, r := range t.rows() {
		if !r.held {
			all = append(all, fmt.Errorf("%s: %s, then %s; it was to be %s", r.what, r.first, r.last, r.bound))
		}
	}
	return all
}

// text is the table as the document has it.
func (t table) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s: %d deploys of %d apps in %s (%s); %d requests to the app without crashes, none failed.\n\n",
		time.Now().UTC().Format(time.DateOnly), report.Machine(), t.last.deploys, apps, t.took.Round(time.Second), t.mix, t.requests)
	b.WriteString(rowsText(fmt.Sprintf("after %d deploys", t.first.deploys), fmt.Sprintf("after %d", t.last.deploys), t.rows()))
	return b.String()
}

func rowsText(first, last string, rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| what | %s | %s | bound | |\n|---|---|---|---|---|\n", first, last)
	for _, r := range rows {
		verdict := "held"
		if !r.held {
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.what, r.first, r.last, r.bound, verdict)
	}
	return b.String()
}
