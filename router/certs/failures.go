package certs

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// failure is the last thing that went wrong with the certificate of a host.
type failure struct {
	Error    string    `json:"error"`
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next"` // no attempt before
}

// failures are kept on disk, so that neither they nor the pauses between attempts end with a restart.
type failures struct {
	path string
	keep func(host string) bool

	mu     sync.Mutex // held for moments
	byHost map[string]failure
	saving sync.Mutex // held by whoever writes the file
}

// pauses are those between attempts. Let's Encrypt bears five failures an hour for a name, and an attempt may be two: one
// for each kind of challenge.
var pauses = []time.Duration{5 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour}

// limitPause is the least after an authority said that it was asked too often.
const limitPause = time.Hour

// loadFailures reads what there is in dir; with an error it is empty. Hosts that keep says no of are forgotten in time.
func loadFailures(dir string, keep func(host string) bool) (*failures, error) {
	f := &failures{path: filepath.Join(dir, "failures.json"), keep: keep, byHost: map[string]failure{}}
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &f.byHost)
	}
	if err != nil || f.byHost == nil {
		f.byHost = map[string]failure{}
	}
	return f, err
}

// last is the failure that stands.
func (f *failures) last(host string) (failure, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	last, ok := f.byHost[host]
	return last, ok
}

// waiting says what went wrong last and whether it is too early for another attempt.
func (f *failures) waiting(host string) (last error, wait bool) {
	failed, ok := f.last(host)
	if !ok {
		return nil, false
	}
	now := time.Now()
	clockSetBack := now.Before(failed.At) // what it said then is no measure
	return errors.New(failed.Error), now.Before(failed.Next) && !clockSetBack
}

// add says when the next attempt may be.
func (f *failures) add(host, text string, limited bool) (next time.Time) {
	defer f.save()
	f.mu.Lock()
	defer f.mu.Unlock()
	failed := f.byHost[host]
	pause := pauses[min(failed.Attempts, len(pauses)-1)]
	if limited {
		pause = max(pause, limitPause)
	}
	now := time.Now().UTC().Truncate(time.Second)
	failed = failure{Error: text, At: now, Attempts: failed.Attempts + 1, Next: now.Add(pause)}
	f.byHost[host] = failed
	return failed.Next
}

// prune forgets the hosts that keep says no of.
func (f *failures) prune() {
	if f.drop(func(host string) bool { return !f.keep(host) }) {
		f.save()
	}
}

// clear forgets a host's failure, if there is one.
func (f *failures) clear(host string) {
	if f.drop(func(other string) bool { return other == host }) {
		f.save()
	}
}

// drop forgets some, and says whether there were any.
func (f *failures) drop(which func(host string) bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.byHost)
	maps.DeleteFunc(f.byHost, func(host string, _ failure) bool { return which(host) })
	return len(f.byHost) < before
}

// save writes the file. Where that fails the pauses hold until the router restarts.
func (f *failures) save() {
	f.saving.Lock()
	defer f.saving.Unlock()
	f.drop(func(host string) bool { return !f.keep(host) })
	f.mu.Lock()
	text, err := json.Marshal(f.byHost)
	f.mu.Unlock()
	if err != nil {
		return
	}
	tmp := f.path + ".tmp"
	if os.WriteFile(tmp, text, 0o600) == nil {
		_ = os.Rename(tmp, f.path)
	}
}
