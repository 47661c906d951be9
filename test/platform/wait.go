package platform

import (
	"fmt"
	"testing"
	"time"
)

// WaitFor asks until the condition holds (is nil) and fails the test, with the last reason, when it does not in time.
func WaitFor(t testing.TB, patience time.Duration, what string, condition func() error) {
	t.Helper()
	if err := poll(patience, condition); err != nil {
		t.Fatalf("waited %s for %s: %v", patience, what, err)
	}
}

// Wait is WaitFor for code that has no test at hand.
func Wait(patience time.Duration, what string, condition func() error) error {
	if err := poll(patience, condition); err != nil {
		return fmt.Errorf("waited %s for %s: %w", patience, what, err)
	}
	return nil
}

// pollEvery is short: most conditions are cheap to look at, and tests wait for nothing else.
const pollEvery = 50 * time.Millisecond

func poll(patience time.Duration, condition func() error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		err := condition()
		if err == nil {
			return nil
		}
		if err == errGone || time.Now().After(deadline) { //nolint:errorlint // ours, never wrapped
			return err
		}
	}
}
