package release

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"paas"
)

// Action is what one step does.
type Action string

// The actions, in the order of a plan.
const (
	// Unroute takes instances that cannot answer out of the routes before anything else is tried.
	Unroute Action = "unroute"
	// Vacate ends an instance before anything starts: no more requests, drained, stopped, removed. By Recreate, and of
	// what an interrupted deployment left.
	Vacate  Action = "vacate"
	Start   Action = "start"  // create and start an instance next to what runs
	Await   Action = "await"  // probe it until it is healthy
	Switch  Action = "switch" // make the desired state the recorded one
	RouteTo Action = "route"  // send requests to exactly the healthy instances, confirmed
	Retire  Action = "retire" // drain, stop and remove an instance that no request is sent to any more
	Remove  Action = "remove" // remove an instance that does not run
	Hold    Action = "hold"   // a crashed slot waits for its next restart
)

// Step is one action on one instance, and why.
type Step struct {
	Action  Action
	Name    string // web.1
	Type    string
	Release int
	ID      string // of an instance that exists
	Cause   string
	At      time.Time // of a Hold: when it ends
}

// Plan is the way from what was observed to what is desired.
type Plan struct {
	AppName string
	Release int
	Steps   []Step
}

// MakePlan finds the steps from observed to desired. It decides everything and does nothing. Runs are no part of it.
//
// Each slot keeps one running instance of the desired release; whatever else there is goes, but only after the slots
// are filled and the routes switched; with Recreate before that, if anything has to start.
func MakePlan(d Desired, observed []Seen, now time.Time) Plan {
	p := planner{desired: d, now: now, kept: map[string]bool{}, slots: map[string]Slot{}}
	for _, s := range observed {
		if s.Type != paas.RunType {
			p.observed = append(p.observed, s)
		}
	}
	slices.SortFunc(p.observed, func(a, b Seen) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), compareNames(a.Name, b.Name), a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, slot := range d.Slots {
		p.slots[slot.Name] = slot
		p.fill(slot)
	}
	p.unroute()
	p.clear()
	return Plan{AppName: d.AppName, Release: d.Release, Steps: p.steps()}
}

type planner struct {
	desired  Desired
	observed []Seen
	now      time.Time
	slots    map[string]Slot
	kept     map[string]bool // by instance id

	unroutes, vacates, starts, awaits, retires, removes, holds []Step
}

func (p *planner) steps() []Step {
	route := []Step{{Action: RouteTo, Release: p.desired.Release}}
	return slices.Concat(p.unroutes, p.vacates, p.starts, p.awaits, p.holds, []Step{{Action: Switch, Release: p.desired.Release}}, route, p.retires, p.removes)
}

// fill keeps the slot's best instance or starts one.
func (p *planner) fill(slot Slot) {
	if slot.Down {
		return
	}
	if best, ok := p.best(slot); ok {
		p.kept[best.ID] = true
		if !best.Healthy {
			p.awaits = append(p.awaits, p.step(Await, best, "not yet known to be healthy"))
		}
		return
	}
	step := Step{Name: slot.Name, Type: slot.Type, Release: p.desired.Release, Cause: p.whyStart(slot)}
	if slot.RetryAt.After(p.now) {
		step.Action, step.At = Hold, slot.RetryAt
		p.holds = append(p.holds, step)
		return
	}
	step.Action = Start
	p.starts = append(p.starts, step)
	step.Action, step.Cause = Await, "just started"
	p.awaits = append(p.awaits, step)
}

// best is the running instance to keep in the slot: a healthy one before others, then the oldest.
func (p *planner) best(slot Slot) (Seen, bool) {
	var best Seen
	found := false
	for _, s := range p.observed {
		if s.Name != slot.Name || p.why(s, slot) != "" {
			continue
		}
		if !found || s.Healthy && !best.Healthy {
			best, found = s, true
		}
	}
	return best, found
}

// why says what disqualifies an instance for the slot of its name; "" when nothing does.
func (p *planner) why(s Seen, slot Slot) string {
	switch {
	case s.Retiring:
		return "already stopping"
	case s.Exited:
		return crashCause(s.Instance)
	case !s.Running:
		return "never started"
	case s.Release > p.desired.Release:
		return fmt.Sprintf("v%d never became current", s.Release)
	case s.Release != p.desired.Release:
		return fmt.Sprintf("v%d replaces v%d", p.desired.Release, s.Release)
	case s.AppName != p.desired.AppName:
		return "the app was renamed"
	case s.Generation < slot.Generation:
		return "restart"
	case s.Size != slot.Size:
		return resizeCause(s.Size, slot.Size)
	case s.Restarted:
		return "the engine restarted it with a used file system"
	case s.Sick:
		return "it failed its health checks"
	}
	return ""
}

func (p *planner) whyStart(slot Slot) string {
	for _, s := range slices.Backward(p.observed) {
		if s.Name == slot.Name && !s.Retiring {
			return p.why(s, slot)
		}
	}
	return "missing"
}

// unroute takes dead and sick instances out of the routes at once; filling their slots may take a while.
func (p *planner) unroute() {
	for _, s := range p.observed {
		if s.Routed && (!s.Running || s.Sick) {
			p.unroutes = append(p.unroutes, p.step(Unroute, s, p.whyGone(s)))
		}
	}
}

// clear lets go of everything that fills no slot.
func (p *planner) clear() {
	for _, s := range p.observed {
		switch {
		case p.kept[s.ID]:
		case s.Running && len(p.starts) > 0 && (p.desired.Recreate || p.interrupted(s)):
			p.vacates = append(p.vacates, p.step(Vacate, s, p.whyGone(s)))
		case s.Retiring:
		case s.Running:
			p.retires = append(p.retires, p.step(Retire, s, p.whyGone(s)))
		default:
			p.removes = append(p.removes, p.step(Remove, s, p.whyGone(s)))
		}
	}
}

// interrupted says whether s is of a release that never became current, because paasd ended in the middle of moving to
// it. Nobody knows whether that release can run beside the one that has to start.
func (p *planner) interrupted(s Seen) bool {
	return s.Release > p.desired.Release && !s.Routed && !s.Retiring
}

func (p *planner) whyGone(s Seen) string {
	slot, wanted := p.slots[s.Name]
	switch {
	case !wanted:
		return "not in the formation"
	case slot.Down:
		return "stopped"
	}
	if why := p.why(s, slot); why != "" {
		return why
	}
	return "a second one in its slot"
}

func (p *planner) step(a Action, s Seen, cause string) Step {
	return Step{Action: a, Name: s.Name, Type: s.Type, Release: s.Release, ID: s.ID, Cause: cause}
}

func crashCause(i paas.Instance) string {
	if i.OOMKilled {
		return "out of memory"
	}
	return fmt.Sprintf("exited with status %d", i.ExitCode)
}

func resizeCause(from, to paas.Size) string {
	return fmt.Sprintf("resized from %s to %s", sizeText(from), sizeText(to))
}

// sizeText is a size that was asked for.
func sizeText(s paas.Size) string {
	if s == (paas.Size{}) {
		return "the " + paas.DefaultSize
	}
	return s.String()
}

// compareNames orders web.2 before web.10.
func compareNames(a, b string) int {
	at, an, _ := paas.ParseInstanceName(a)
	bt, bn, _ := paas.ParseInstanceName(b)
	return cmp.Or(cmp.Compare(at, bt), cmp.Compare(an, bn), cmp.Compare(a, b))
}

// Idle says whether the plan changes nothing on the engine.
func (p Plan) Idle() bool {
	return !slices.ContainsFunc(p.Steps, func(s Step) bool {
		return s.Action != Switch && s.Action != RouteTo && s.Action != Hold
	})
}

// of returns the steps with one action.
func (p Plan) of(a Action) []Step {
	var steps []Step
	for _, s := range p.Steps {
		if s.Action == a {
			steps = append(steps, s)
		}
	}
	return steps
}

// String prints the plan, one step a line, as the golden tests hold it.
func (p Plan) String() string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "%-7s", s.Action)
		if s.Name != "" {
			fmt.Fprintf(&b, " %s", s.Name)
		}
		fmt.Fprintf(&b, " v%d", s.Release)
		if s.ID != "" {
			fmt.Fprintf(&b, " (%s)", s.ID)
		}
		if s.Cause != "" {
			fmt.Fprintf(&b, ": %s", s.Cause)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
