package certs

import (
	"errors"
	"iter"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hosts may have certificates.
type hosts map[string]struct{}

func (h hosts) Has(host string) bool  { _, ok := h[host]; return ok }
func (h hosts) All() iter.Seq[string] { return maps.Keys(h) }

func TestOnlyNamesThatOthersCanLookUpArePublic(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"example.com": true, "a.b.example.com": true, "xn--mnchen-3ya.de": true,
		"localhost": false, "a.localhost": false, "printer.local": false, "x.internal": false, "x.home.arpa": false,
		"host": false, "": false, "10.0.0.1": false, "192.0.2.1": false, "::1": false,
	} {
		if Public(host) != want {
			t.Errorf("%q: got %v", host, !want)
		}
	}
}

func TestPausesBetweenAttemptsGrowAndSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		known := hosts{"a.test": {}, "b.test": {}}
		f, err := loadFailures(dir, known.Has)
		if err != nil {
			t.Fatal(err)
		}
		var got []time.Duration
		for range 8 {
			next := f.add("a.test", "no", false)
			got = append(got, time.Until(next).Round(time.Second))
			if _, wait := f.waiting("a.test"); !wait {
				t.Error("no pause")
			}
			<-time.After(time.Until(next)) // by the bubble's clock
			if last, wait := f.waiting("a.test"); wait || last == nil {
				t.Errorf("after it: %v, %v", last, wait)
			}
		}
		inAnHour := 0
		for sum, i := time.Duration(0), 0; sum < time.Hour; i++ {
			inAnHour, sum = inAnHour+2, sum+got[i] // an attempt is by two kinds of challenge
		}
		if got[0] != 5*time.Minute || got[7] != 6*time.Hour || inAnHour > 5 {
			t.Errorf("got %v, %d failures in the first hour", got, inAnHour)
		}
		if next := f.add("b.test", "too many", true); time.Until(next) < limitPause-time.Second {
			t.Errorf("where the authority was asked too often: %v", time.Until(next))
		}
		delete(known, "a.test")
		f.clear("nobody")
		f.add("b.test", "still", true)
		again, err := loadFailures(dir, known.Has)
		if err != nil {
			t.Fatal(err)
		}
		if last, wait := again.waiting("b.test"); !wait || last.Error() != "still" {
			t.Errorf("got %v, %v", last, wait)
		}
		if _, ok := again.last("a.test"); ok {
			t.Error("what has no route is remembered")
		}
	})
}

func TestLocksOfStorageExcludeEachOther(t *testing.T) {
	t.Parallel()
	s := newStorage(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		if err := s.Lock(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		got := make(chan error, 1)
		go func() { got <- s.Lock(t.Context(), "x") }()
		synctest.Wait()
		select {
		case err := <-got:
			t.Fatalf("locked twice: %v", err)
		default:
		}
		if err := errors.Join(s.Unlock(t.Context(), "x"), <-got, s.Unlock(t.Context(), "x")); err != nil {
			t.Fatal(err)
		}
	})
}
