package conformance

import (
	"fmt"

	"paas/test/platform"
)

// crashed waits until the slot is shown as crashed.
func (a *app) crashed(name string) {
	a.proof.Helper()
	a.Until(name+" crashed", func(p platform.Processes) error {
		if i, there := p.Of(name); !there || i.State != "crashed" {
			return platform.ErrNotYet
		}
		return nil
	})
}

// heldBack waits until the slot has crashed that many times and waits for its next start.
func (a *app) heldBack(name string, crashes int) (i platform.Instance) {
	a.proof.Helper()
	a.Until(fmt.Sprintf("%s held back after crash %d", name, crashes), func(p platform.Processes) error {
		if i, _ = p.Of(name); i.State != "crashed" || i.Restarts != crashes || i.NextRestartAt == nil {
			return platform.ErrNotYet
		}
		return nil
	})
	return i
}
