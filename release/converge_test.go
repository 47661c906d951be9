package release

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"paas"
)

// TestPlanConverges plays plans on a world of its own from random states: they reach the desired state in one go, a
// second plan is idle, there are never fewer healthy instances of the desired slots' types than at the beginning (up
// to what is desired), and never more than twice the formation besides what was there too many. With Recreate nothing
// starts while anything that has to go is there.
func TestPlanConverges(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		desired := randomDesired(r)
		observed := randomSeen(r)
		plan := MakePlan(desired, observed, planNow)
		world, trouble := play(plan, observed, desired)
		if trouble != "" {
			t.Fatalf("seed %d: %s\nobserved %v\n%s", seed, trouble, describe(observed), plan)
		}
		again := MakePlan(desired, world, planNow)
		if !again.Idle() {
			t.Fatalf("seed %d: a second plan is not idle\nobserved %v\nfirst:\n%s\nthen:\n%s", seed, describe(observed), plan, again)
		}
		for _, slot := range desired.Slots {
			if n := count(world, slot.Name); !slot.Down && n != 1 || slot.Down && n != 0 {
				t.Fatalf("seed %d: %d instances in slot %s\n%s", seed, n, slot.Name, plan)
			}
		}
	}
}

func randomDesired(r *rand.Rand) Desired {
	d := Desired{AppName: "hello", Release: 1 + r.IntN(2), Recreate: r.IntN(3) == 0}
	for _, typ := range []string{"web", "worker"} {
		for n := range r.IntN(4) {
			d.Slots = append(d.Slots, Slot{Name: paas.InstanceName(typ, n+1), Type: typ, Down: r.IntN(8) == 0, Generation: r.IntN(2), Size: randomSize(r)})
		}
	}
	return d
}

func randomSize(r *rand.Rand) paas.Size {
	return paas.Size{Memory: paas.Memory(max(0, r.IntN(4)-2)) << 30}
}

func randomSeen(r *rand.Rand) []Seen {
	var list []Seen
	for n := range r.IntN(8) {
		typ := []string{"web", "worker", "clock"}[r.IntN(3)]
		s := Seen{Instance: paas.Instance{
			ID: fmt.Sprintf("i%d", n), AppName: "hello", Type: typ, Name: paas.InstanceName(typ, 1+r.IntN(4)), Release: 1 + r.IntN(2),
			Generation: r.IntN(2), Size: randomSize(r), CreatedAt: planNow.Add(time.Duration(n) * time.Second),
		}}
		switch r.IntN(6) {
		case 0:
			s.Exited, s.ExitCode = true, r.IntN(3)
		case 1:
			s.Running, s.Restarted = true, true
		case 2:
			s.Running, s.Sick = true, true
		case 3:
			s.Running = true
		default:
			s.Running, s.Healthy = true, true
		}
		s.Routed = s.Type == paas.Web && r.IntN(2) == 0
		list = append(list, s)
	}
	return list
}

// sandbox is a world that a plan is played on.
type sandbox struct {
	plan     Plan
	world    []Seen
	most     int // instances there may be
	before   int // healthy routed instances at the beginning
	recreate bool
	sizes    map[string]paas.Size
	switched bool
}

// play executes a plan on a copy of observed and says what was wrong on the way.
func play(p Plan, observed []Seen, d Desired) (world []Seen, trouble string) {
	s := &sandbox{plan: p, world: slices.Clone(observed), most: len(observed) + len(d.Slots), recreate: d.Recreate, sizes: map[string]paas.Size{}}
	for _, slot := range d.Slots {
		s.sizes[slot.Name] = slot.Size
	}
	s.before = s.routable()
	for n, step := range p.Steps {
		if trouble := s.step(n, step); trouble != "" {
			return s.world, trouble
		}
		if !s.recreate && !s.switched && s.routable() < s.before {
			return s.world, "fewer healthy instances than before the switch"
		}
	}
	return s.world, ""
}

func (s *sandbox) routable() int {
	n := 0
	for _, i := range s.world {
		if i.Routed && i.Running && i.Healthy {
			n++
		}
	}
	return n
}

func (s *sandbox) step(n int, step Step) (trouble string) {
	switch step.Action {
	case Start:
		if s.recreate && slices.ContainsFunc(s.world, func(i Seen) bool { return i.Running && willGo(s.plan, i.ID) }) {
			return "an instance starts next to one that has to go"
		}
		s.world = append(s.world, Seen{Instance: paas.Instance{
			ID: fmt.Sprintf("n%d", n), Name: step.Name, Type: step.Type, Release: step.Release, AppName: "hello", Running: true, Generation: 1,
			Size: s.sizes[step.Name],
		}})
		if len(s.world) > s.most {
			return "more instances than twice the formation"
		}
	case Await:
		s.await(step)
	case Unroute:
		return s.unroute(step)
	case Vacate:
		s.world = slices.DeleteFunc(s.world, func(seen Seen) bool { return seen.ID == step.ID })
	case Switch:
		s.switched = true
	case RouteTo:
		for i, seen := range s.world {
			s.world[i].Routed = seen.Type == paas.Web && seen.Healthy && !willGo(s.plan, seen.ID)
		}
	case Retire, Remove:
		return s.remove(step)
	}
	return ""
}

func (s *sandbox) await(step Step) {
	for i, seen := range s.world {
		if seen.Name == step.Name && (seen.ID == step.ID || step.ID == "" && seen.ID[0] == 'n') {
			s.world[i].Healthy = true
		}
	}
}

func (s *sandbox) unroute(step Step) string {
	for i, seen := range s.world {
		if seen.ID == step.ID {
			if seen.Healthy && seen.Running {
				return "a healthy instance left the routes before the switch"
			}
			s.world[i].Routed = false
		}
	}
	return ""
}

func (s *sandbox) remove(step Step) string {
	i := slices.IndexFunc(s.world, func(seen Seen) bool { return seen.ID == step.ID })
	if s.world[i].Routed && s.world[i].Running {
		return "an instance goes while requests go to it"
	}
	s.world = slices.Delete(s.world, i, i+1)
	return ""
}

func willGo(p Plan, id string) bool {
	for _, s := range slices.Concat(p.of(Vacate), p.of(Retire), p.of(Remove)) {
		if s.ID == id {
			return true
		}
	}
	return false
}

func count(world []Seen, name string) int {
	n := 0
	for _, s := range world {
		if s.Name == name {
			n++
		}
	}
	return n
}

func describe(list []Seen) []string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintf("%s v%d id=%s running=%v healthy=%v exited=%v sick=%v used=%v gen=%d routed=%v",
			s.Name, s.Release, s.ID, s.Running, s.Healthy, s.Exited, s.Sick, s.Restarted, s.Generation, s.Routed))
	}
	return out
}
