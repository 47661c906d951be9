package certs

import (
	"testing"
	"time"
)

func TestPausesDoNotOutlastAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	f, err := loadFailures(t.TempDir(), func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	f.add("a.test", "no", false)
	if _, wait := f.waiting("a.test"); !wait {
		t.Error("no pause after a failure")
	}
	ahead := f.byHost["a.test"]
	ahead.At, ahead.Next = ahead.At.Add(24*time.Hour), ahead.Next.Add(24*time.Hour)
	f.byHost["a.test"] = ahead
	if last, wait := f.waiting("a.test"); wait || last == nil {
		t.Errorf("waits a day: %v, %v", last, wait)
	}
}
