package store

import (
	"fmt"

	"paas"
)

// refuse is the error for a file that the store will not touch.
func refuse(path, format string, args ...any) *paas.Error {
	return paas.Errorf(paas.Unavailable, "%s "+format, append([]any{path}, args...)...).
		WithHint("it was left as it is, and apps run on; put paas.db and master.key of one backup in its place, then start paasd again")
}

// unreadable is a record that is not what was written: the file is damaged where its structure does not show it.
type unreadable struct {
	key string
	err error
}

func (e *unreadable) Error() string { return fmt.Sprintf("read record %q: %v", e.key, e.err) }
func (e *unreadable) Unwrap() error { return e.err }

func noApp(name string) error {
	return paas.Errorf(paas.NotFound, "there is no app %s", paas.Quote(name)).WithHint("paas apps")
}

// inUse is the error for a directory whose store is open elsewhere.
func inUse(dir string) error {
	return paas.Errorf(paas.Conflict, "another paasd is using %s", dir).
		WithHint("stop that one, or give this one a directory of its own with --data-dir")
}

// closed is the error for a store that was closed while somebody still worked with it.
func closed() *paas.Error {
	return paas.Errorf(paas.Unavailable, "paasd is stopping").WithHint("try again when it is back")
}
