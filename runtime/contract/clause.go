package contract

import (
	"context"
	"sync"
	"testing"
	"time"

	"paas"
)

// clause is one test.
type clause struct {
	*testing.T
	Host
}

func (c *clause) check(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func must[T any](v T, err error) func(c *clause) T {
	return func(c *clause) T {
		c.Helper()
		c.check(err)
		return v
	}
}

func (c *clause) started(spec paas.InstanceSpec) paas.Instance {
	c.Helper()
	return must(c.Start(c.Context(), spec))(c)
}

// ready is an instance that has printed its line, and so listens to signals or has begun to ignore them.
func (c *clause) ready(b Behaviour) paas.Instance {
	c.Helper()
	i := c.started(c.Spec(b))
	c.eventually("it is ready", func() bool { return len(must(c.Tail(c.Context(), i.ID, 1))(c)) == 1 })
	return i
}

func (c *clause) oneOff(b Behaviour) paas.InstanceSpec {
	spec := c.Spec(b)
	spec.Type, spec.Name = paas.RunType, "run.1"
	return spec
}

func (c *clause) seen(app string) []paas.Instance {
	c.Helper()
	return must(c.Instances(c.Context(), app))(c)
}

// only is the one instance of an app.
func (c *clause) only(app string) paas.Instance {
	c.Helper()
	all := c.seen(app)
	if len(all) != 1 {
		c.Fatalf("%d instances: %+v", len(all), all)
	}
	return all[0]
}

// wantEnded checks an instance that has ended and stays so. The engine's word on the start of one that ended at once may be
// later than that on its end.
func (c *clause) wantEnded(i paas.Instance, code int) {
	c.Helper()
	if i.Running || !i.Exited || i.Restarted || i.ExitCode != code || i.FinishedAt.Before(i.CreatedAt) {
		c.Errorf("it should have ended with %d: %+v", code, i)
	}
}

func (c *clause) wantCode(what string, err error, want paas.Code) {
	c.Helper()
	if got := paas.CodeOf(err); got != want {
		c.Errorf("%s: error %v has code %q, want %q", what, err, got, want)
	}
}

func (c *clause) eventually(what string, holds func() bool) {
	c.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for timeout := time.After(time.Minute); !holds(); {
		select {
		case <-tick.C:
		case <-timeout:
			c.Fatalf("it never came to this: %s", what)
		}
	}
}

// told runs Events for the length of the test. The first resync has come when it returns.
func (c *clause) told() <-chan paas.InstanceEvent {
	c.Helper()
	told := make(chan paas.InstanceEvent, 100)
	ctx, cancel := context.WithCancel(c.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := c.Events(ctx, func(e paas.InstanceEvent) { told <- e }); err != nil {
			c.Errorf("events: %v", err)
		}
	})
	c.Cleanup(func() {
		cancel()
		watching.Wait()
	})
	c.await(told, paas.InstanceEvent{Kind: "resync"})
	return told
}

// await reads events up to one.
func (c *clause) await(told <-chan paas.InstanceEvent, want paas.InstanceEvent) {
	c.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case got := <-told:
			if got == want {
				return
			}
		case <-timeout:
			c.Fatalf("no %+v", want)
		}
	}
}
