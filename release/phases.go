package release

import (
	"time"

	"paas"
)

// phases times the steps of a deployment. A nil *phases takes no notes.
type phases struct {
	last time.Time
	list []paas.Phase
}

func newPhases() *phases { return &phases{last: time.Now()} }

// done ends the phase that began when the one before ended.
func (p *phases) done(name string) {
	if p == nil {
		return
	}
	now := time.Now()
	p.list = append(p.list, paas.Phase{Name: name, Seconds: now.Sub(p.last).Seconds()})
	p.last = now
}
