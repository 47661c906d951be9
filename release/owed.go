package release

import (
	"sync"

	"paas"
)

// owed are ends of operations that a full disk kept the store from recording. The sweep tries them again until they are
// there; should paasd end before, the next start finds the operations unfinished and ends them itself.
type owed struct {
	mu     sync.Mutex
	writes map[string]func() error // by what they are of
}

// conclude records the end of what. Its error is for the log: the operation itself has ended as it has.
func (e *Engine) conclude(what string, write func() error) error {
	err := write()
	e.owed.mu.Lock()
	defer e.owed.mu.Unlock()
	if !paas.OutOfSpace(err) {
		delete(e.owed.writes, what)
		return err
	}
	if e.owed.writes == nil {
		e.owed.writes = map[string]func() error{}
	}
	e.owed.writes[what] = write
	return err
}

// payOwed tries again what is owed.
func (e *Engine) payOwed() {
	e.owed.mu.Lock()
	writes := e.owed.writes
	e.owed.writes = nil
	e.owed.mu.Unlock()
	for what, write := range writes {
		err := e.conclude(what, write)
		switch {
		case err == nil:
			e.Log.Info("the end of an operation is recorded now that there is space", "what", what)
		case !paas.OutOfSpace(err) && paas.CodeOf(err) != paas.NotFound:
			e.Log.Error("the end of an operation is not recorded", "what", what, "error", err)
		}
	}
}
