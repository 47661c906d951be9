// Package contract holds what the deploy engine relies on in a container runtime, as tests that the real one and every
// fake of it have to pass.
package contract

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"paas"
)

// Runtime is what the contract is about.
type Runtime interface {
	Instances(ctx context.Context, app string) ([]paas.Instance, error)
	Events(ctx context.Context, fn func(paas.InstanceEvent)) error
	Start(ctx context.Context, spec paas.InstanceSpec) (paas.Instance, error)
	Keep(ctx context.Context, id string) error
	Stop(ctx context.Context, id string, grace time.Duration) (killed bool, err error)
	Remove(ctx context.Context, id string) error
	Wait(ctx context.Context, id string) (paas.Instance, error)
	Tail(ctx context.Context, id string, n int) ([]string, error)
	Run(ctx context.Context, spec paas.InstanceSpec, stdio paas.Stdio, started func(paas.Instance)) (exitCode int, err error)
}

// Behaviour is what the process of an instance does.
type Behaviour int

// The behaviours.
const (
	Runs    Behaviour = iota // prints a line, and ends when it is asked to, by SIGTERM or its client's leaving
	Deaf                     // the same, but ignores SIGTERM
	Fails                    // prints "exiting with 7" and exits with 7
	Missing                  // its image is not on the host
)

// Host is a runtime under test, with nothing on it, and what a test needs besides it.
type Host struct {
	Runtime
	Spec   func(b Behaviour) paas.InstanceSpec // a web instance of a new app
	Crash  func(id string)                     // ends an instance's process by SIGKILL, behind the engine's back
	Occupy func(subnet netip.Prefix)           // makes a subnet unusable
	Away   func(away bool)                     // takes the engine away, or brings it back
}

// Test holds a runtime to the contract, each clause on a host of its own.
func Test(t *testing.T, host func(t *testing.T) Host) {
	clauses := map[string]func(c *clause){
		"a start gives what the spec says":                    (*clause).start,
		"a slot may have two instances":                       (*clause).twice,
		"an end is seen with its status and time":             (*clause).end,
		"what crashes stays down until it is kept":            (*clause).keep,
		"a stop asks first, and lifts Keep":                   (*clause).stop,
		"a stop kills what is deaf when the grace is over":    (*clause).kill,
		"what is removed is gone, and removing it again fine": (*clause).remove,
		"a wait ends with its context":                        (*clause).waitEnds,
		"a run gives its output and status and is gone then":  (*clause).run,
		"a run ends with its client":                          (*clause).runEnds,
		"a missing image is said and nothing is left":         (*clause).missing,
		"a taken subnet is said and nothing is left":          (*clause).taken,
		"events tell what Instances shows":                    (*clause).events,
		"an engine that is away is said, and a resync after":  (*clause).away,
	}
	for name, test := range clauses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&clause{T: t, Host: host(t)})
		})
	}
}

func (c *clause) start() {
	spec := c.Spec(Runs)
	spec.Port, spec.Release, spec.Generation = 5000, 3, 2
	i := c.started(spec)
	want := paas.Instance{
		ID: i.ID, App: spec.App, AppName: spec.AppName, Type: spec.Type, Name: spec.Name, Release: 3, Generation: 2, Port: 5000,
		Addr: i.Addr, CreatedAt: i.CreatedAt, StartedAt: i.StartedAt, Running: true,
	}
	if i != want || i.ID == "" || !spec.Subnet.Contains(i.Addr) || i.CreatedAt.IsZero() || i.StartedAt.Before(i.CreatedAt) {
		c.Errorf("%+v in %s", i, spec.Subnet)
	}
	if got := c.seen(spec.App); len(got) != 1 || got[0] != i {
		c.Errorf("in its app: %+v", got)
	}
	if got := c.seen(""); len(got) != 1 || got[0] != i {
		c.Errorf("in all: %+v", got)
	}
	if got := c.seen("another"); len(got) != 0 {
		c.Errorf("in another app: %+v", got)
	}
}

func (c *clause) twice() {
	spec := c.Spec(Runs)
	a, b := c.started(spec), c.started(spec)
	if a.ID == b.ID || a.Addr == b.Addr || len(c.seen(spec.App)) != 2 {
		c.Errorf("%+v and %+v", a, b)
	}
}

func (c *clause) end() {
	i := c.started(c.Spec(Fails))
	for range 2 { // the second time it has ended already
		c.wantEnded(must(c.Wait(c.Context(), i.ID))(c), 7)
	}
	c.wantEnded(c.only(i.App), 7)
	if lines := must(c.Tail(c.Context(), i.ID, 1))(c); len(lines) != 1 || lines[0] != "exiting with 7" {
		c.Errorf("its last line: %q", lines)
	}
}

func (c *clause) keep() {
	loose, kept := c.started(c.Spec(Runs)), c.started(c.Spec(Runs))
	c.check(c.Keep(c.Context(), kept.ID))
	c.Crash(kept.ID)
	c.Crash(loose.ID)
	c.wantEnded(must(c.Wait(c.Context(), loose.ID))(c), 137)
	c.eventually("what is kept runs again, and that is seen", func() bool {
		i := c.only(kept.App)
		return i.ID == kept.ID && i.Running && i.Restarted && !i.Exited && i.Addr == kept.Addr && i.StartedAt.After(kept.StartedAt)
	})
	c.wantEnded(c.only(loose.App), 137)
}

func (c *clause) stop() {
	i := c.ready(Runs)
	c.check(c.Keep(c.Context(), i.ID))
	for range 2 { // the second time it has ended already
		began := time.Now()
		killed, err := c.Stop(c.Context(), i.ID, time.Minute)
		if killed || err != nil || time.Since(began) > 30*time.Second {
			c.Errorf("killed %v, %v, after %s", killed, err, time.Since(began))
		}
		if got := c.only(i.App); got.Running || !got.Exited || got.Restarted {
			c.Errorf("%+v", got)
		}
	}
}

func (c *clause) kill() {
	i := c.ready(Deaf)
	began := time.Now()
	killed, err := c.Stop(c.Context(), i.ID, 200*time.Millisecond)
	if !killed || err != nil || time.Since(began) < 200*time.Millisecond {
		c.Errorf("killed %v, %v, after %s", killed, err, time.Since(began))
	}
	c.wantEnded(c.only(i.App), 137)
}

func (c *clause) remove() {
	i := c.started(c.Spec(Runs))
	for range 2 {
		c.check(c.Remove(c.Context(), i.ID))
		if got := c.seen(i.App); len(got) != 0 {
			c.Errorf("%+v", got)
		}
	}
	_, stop := c.Stop(c.Context(), i.ID, time.Second)
	_, wait := c.Wait(c.Context(), i.ID)
	_, tail := c.Tail(c.Context(), i.ID, 1)
	for what, err := range map[string]error{"Keep": c.Keep(c.Context(), i.ID), "Stop": stop, "Wait": wait, "Tail": tail} {
		c.wantCode(what, err, paas.NotFound)
	}
}

func (c *clause) waitEnds() {
	i := c.started(c.Spec(Runs))
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Wait(ctx, i.ID); !errors.Is(err, context.DeadlineExceeded) {
		c.Error(err)
	}
}

func (c *clause) run() {
	spec := c.oneOff(Fails)
	var out bytes.Buffer
	code, err := c.Runtime.Run(c.Context(), spec, paas.Stdio{Stdout: &out}, func(i paas.Instance) {
		if got := c.seen(spec.App); len(got) != 1 || got[0].ID != i.ID || got[0].Type != paas.RunType || got[0].Name != "run.1" {
			c.Errorf("while it runs: %+v", got)
		}
	})
	if code != 7 || err != nil || out.String() != "exiting with 7\n" {
		c.Errorf("%d, %v, %q", code, err, &out)
	}
	c.eventually("it is gone", func() bool { return len(c.seen(spec.App)) == 0 })
}

func (c *clause) runEnds() {
	spec := c.oneOff(Runs)
	ctx, leave := context.WithCancel(c.Context())
	defer leave()
	_, err := c.Runtime.Run(ctx, spec, paas.Stdio{}, func(paas.Instance) { leave() })
	c.wantCode("Run", err, paas.Canceled)
	c.eventually("it is gone", func() bool { return len(c.seen(spec.App)) == 0 })
}

func (c *clause) missing() {
	spec := c.Spec(Missing)
	_, err := c.Start(c.Context(), spec)
	c.wantCode("Start", err, paas.NotFound)
	_, err = c.Runtime.Run(c.Context(), spec, paas.Stdio{}, nil)
	c.wantCode("Run", err, paas.NotFound)
	if got := c.seen(spec.App); len(got) != 0 {
		c.Errorf("left: %+v", got)
	}
}

func (c *clause) taken() {
	spec := c.Spec(Runs)
	c.Occupy(spec.Subnet)
	_, err := c.Start(c.Context(), spec)
	c.wantCode("Start", err, paas.Conflict)
	if got := c.seen(spec.App); !errors.Is(err, paas.ErrSubnetTaken) || len(got) != 0 {
		c.Errorf("%v, and left: %+v", err, got)
	}
}

func (c *clause) events() {
	told := c.told()
	i := c.started(c.Spec(Runs))
	c.await(told, paas.InstanceEvent{App: i.App, ID: i.ID, Name: i.Name, Kind: "start"})
	c.check(c.Keep(c.Context(), i.ID))
	for range 2 {
		c.Crash(i.ID)
		c.await(told, paas.InstanceEvent{App: i.App, ID: i.ID, Name: i.Name, Kind: "die", ExitCode: 137})
		if got := c.only(i.App); !got.Restarted {
			c.Errorf("after it has died: %+v", got)
		}
		c.await(told, paas.InstanceEvent{App: i.App, ID: i.ID, Name: i.Name, Kind: "start"})
		if got := c.only(i.App); !got.Running || got.FinishedAt.IsZero() || got.StartedAt.Before(got.FinishedAt) {
			c.Errorf("after it was started again: %+v", got)
		}
	}
	c.check(c.Remove(c.Context(), i.ID))
	c.await(told, paas.InstanceEvent{App: i.App, ID: i.ID, Name: i.Name, Kind: "die", ExitCode: 137})
	c.await(told, paas.InstanceEvent{App: i.App, ID: i.ID, Name: i.Name, Kind: "destroy"})
}

func (c *clause) away() {
	told := c.told()
	spec := c.Spec(Runs)
	i := c.started(spec)
	ctx := c.Context()
	waited := make(chan error, 1)
	go func() {
		_, err := c.Wait(ctx, i.ID)
		waited <- err
	}()
	c.Away(true)
	_, instances := c.Instances(ctx, "")
	_, start := c.Start(ctx, spec)
	_, stop := c.Stop(ctx, i.ID, time.Second)
	_, wait := c.Wait(ctx, i.ID)
	_, tail := c.Tail(ctx, i.ID, 1)
	_, run := c.Runtime.Run(ctx, spec, paas.Stdio{}, nil)
	for what, err := range map[string]error{
		"Instances": instances, "Start": start, "Keep": c.Keep(ctx, i.ID), "Stop": stop, "Remove": c.Remove(ctx, i.ID), "Wait": wait, "Tail": tail, "Run": run,
		"a Wait from before": <-waited,
	} {
		c.wantCode(what, err, paas.Unavailable)
	}
	c.Away(false)
	c.await(told, paas.InstanceEvent{Kind: "resync"})
	if got := c.seen(""); len(got) != 1 || got[0] != i {
		c.Errorf("%+v", got)
	}
}
