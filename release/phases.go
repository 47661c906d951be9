package release

import (
	"fmt"
	"strings"
	"time"

	"paas"
)

// phases times the steps of a deployment, and tells of its moments. A nil *phases does neither.
type phases struct {
	last    time.Time
	list    []paas.Phase
	reached func(moment string)
}

func newPhases(reached func(moment string)) *phases {
	return &phases{last: time.Now(), reached: reached}
}

// done ends the phase that began when the one before ended.
func (p *phases) done(name string) {
	if p == nil {
		return
	}
	now := time.Now()
	p.list = append(p.list, paas.Phase{Name: name, Seconds: now.Sub(p.last).Seconds()})
	p.last = now
}

// at says that the deployment has come to a moment: see Options.Reached.
func (p *phases) at(moment string) {
	if p != nil {
		p.reached(moment)
	}
}

// String is how the log stream shows them: "start 0.412s, switch 0.004s".
func (p *phases) String() string {
	texts := make([]string, len(p.list))
	for i, phase := range p.list {
		texts[i] = fmt.Sprintf("%s %.3fs", phase.Name, phase.Seconds)
	}
	return strings.Join(texts, ", ")
}
