package platform

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Traffic is what became of a load.
type Traffic struct {
	Began, Ended time.Time
	Sent         int
	Answers      []Exchange    // those that succeeded
	Failures     []Exchange    // any other status, and connections that were refused or lost
	BusyWait     time.Duration // the longest for an answer to a busy client
}

// Exchange is a request and its answer.
type Exchange struct {
	Due, Asked, Answered time.Time
	Body                 string // its beginning
	Err                  error
}

// Err lists the failures with their times; nil when there are none.
func (t Traffic) Err() error {
	var all []error
	for _, f := range t.Failures {
		all = append(all, fmt.Errorf("%s after %s: %w", f.Asked.UTC().Format("15:04:05.000"), f.Answered.Sub(f.Asked).Round(time.Millisecond), f.Err))
	}
	return errors.Join(all...)
}

// Stall is the longest time that somebody waited: for an answer, or that nobody got one.
func (t Traffic) Stall() (longest time.Duration) {
	answered := []time.Time{t.Began, t.Ended}
	for _, e := range t.Answers {
		longest = max(longest, e.Answered.Sub(e.Asked))
		answered = append(answered, e.Answered)
	}
	slices.SortFunc(answered, time.Time.Compare)
	for i, at := range answered[1:] {
		longest = max(longest, at.Sub(answered[i]))
	}
	return longest
}

// Late is by how much a request was sent after it was due: what the machine, or this process, has to answer for.
func (t Traffic) Late() (latest time.Duration) {
	for _, e := range slices.Concat(t.Answers, t.Failures) {
		latest = max(latest, e.Asked.Sub(e.Due))
	}
	return latest
}

// Asked are the answers in the order in which they were asked for.
func (t Traffic) Asked() []Exchange {
	sorted := slices.Clone(t.Answers)
	slices.SortFunc(sorted, func(a, b Exchange) int { return a.Asked.Compare(b.Asked) })
	return sorted
}

// First is when the first request was asked that got that body; zero if none did.
func (t Traffic) First(body string) time.Time {
	for _, e := range t.Asked() {
		if e.Body == body {
			return e.Asked
		}
	}
	return time.Time{}
}

// And is both.
func (t Traffic) And(o Traffic) Traffic {
	return Traffic{
		Began: t.Began, Ended: o.Ended, Sent: t.Sent + o.Sent,
		Answers: slices.Concat(t.Answers, o.Answers), Failures: slices.Concat(t.Failures, o.Failures),
	}
}
