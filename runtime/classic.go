package runtime

import (
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/jsonstream"

	"paas"
)

// classic turns the messages of the builder that was before BuildKit into events. It says what it does as text: a
// line "Step 2/5 : RUN make" begins a step, " ---> Using cache" means cached, and all else is output.
type classic struct {
	events func(paas.BuildEvent)
	now    func() time.Time

	step   int
	name   string
	cached bool
	titled bool // the step's name was just said, and the rest of its line comes
}

func (c *classic) failure() string { return c.name }

func (c *classic) message(m jsonstream.Message) error {
	if m.Stream == "" {
		if m.Status != "" && c.step > 0 { // a base image being pulled
			c.emit(paas.BuildEvent{Output: []byte(strings.TrimSpace(m.ID+" "+m.Status) + "\n")})
		}
		return nil
	}
	line := strings.TrimRight(m.Stream, "\n")
	restOfTitle := c.titled && line == ""
	c.titled = false
	switch {
	case restOfTitle:
	case isStep(line):
		c.complete()
		c.step++
		c.name, c.cached, c.titled = line, false, true
		c.emit(paas.BuildEvent{Name: line, Started: c.now()})
	case line == " ---> Using cache":
		c.cached = true
	case strings.HasPrefix(line, " ---> "), strings.HasPrefix(line, "Removing intermediate container "), c.step == 0:
	case strings.HasPrefix(line, "Successfully built "):
		c.complete()
		c.step, c.name = 0, ""
	default:
		c.emit(paas.BuildEvent{Output: []byte(m.Stream)})
	}
	return nil
}

func isStep(line string) bool {
	rest, ok := strings.CutPrefix(line, "Step ")
	return ok && strings.Contains(rest, "/") && strings.Contains(rest, " : ")
}

func (c *classic) complete() {
	if c.step > 0 {
		c.emit(paas.BuildEvent{Name: c.name, Completed: c.now(), Cached: c.cached})
	}
}

func (c *classic) emit(e paas.BuildEvent) {
	e.Step = strconv.Itoa(c.step)
	c.events(e)
}
