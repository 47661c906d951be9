package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"

	"paas"
)

// logSettle is how long Remove waits for an instance's log to be read to its end.
const logSettle = 2 * time.Second

// LogSink keeps log lines. Append must not block. Last returns the time of the last line kept of an instance and how
// many lines of it bear that time; the zero time when there is none.
type LogSink interface {
	Append(app string, l paas.LogLine)
	Last(app, instanceID string) (t time.Time, n int)
}

// collecting is what Collect does at the moment, for Remove to wait for.
type collecting struct {
	mu  sync.Mutex
	now *collector // nil: Collect does not run
}

// Collect follows the output of every instance of the installation into sink until ctx ends, and then returns nil.
// Attached runs are left out: their output goes to their client. It takes up where the sink's last line of an instance
// is, so nothing is lost or repeated when paasd restarts, within what the engine keeps. (It knows the place by the
// line's time. If the host's clock is set back and then paasd restarts, lines between may be repeated.)
//
// Lines keep their bytes and their order over both streams; one over 10,000 bytes becomes several. Only one Collect
// may run at a time.
func (d *Docker) Collect(ctx context.Context, sink LogSink) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &collector{docker: d, sink: sink, ctx: ctx, followers: map[string]*follower{}}
	if !d.collecting.begin(c) {
		cancel()
		return errors.New("collect logs: it is being done already")
	}
	err := d.watch(ctx, c.on)
	d.collecting.end()
	cancel()
	c.work.Wait()
	return err
}

func (c *collecting) begin(next *collector) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now != nil {
		return false
	}
	c.now = next
	return true
}

func (c *collecting) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now.close()
	c.now = nil
}

func (c *collecting) current() *collector {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// collector has one follower an instance.
type collector struct {
	docker *Docker
	sink   LogSink
	ctx    context.Context // of Collect, for the goroutines that it owns

	mu        sync.Mutex
	closed    bool
	followers map[string]*follower
	work      sync.WaitGroup
}

// on takes an event of the engine.
func (c *collector) on(e event) error {
	switch e.Kind {
	case resync:
		return c.resync()
	case "start":
		c.follow(e.ID, e.labels)
	case "die":
		if f := c.follower(e.ID); f != nil {
			f.died()
		}
	case "destroy":
		c.drop(e.ID)
	}
	return nil
}

// resync follows whatever the engine has.
func (c *collector) resync() error {
	listed, err := c.docker.list(c.ctx, "")
	if err != nil {
		return err
	}
	for _, i := range listed {
		if i.State != container.StateCreated {
			c.follow(i.ID, i.Labels)
		}
	}
	return nil
}

// follow sees to it that an instance that was started is followed. It returns nil for one that is not collected.
func (c *collector) follow(id string, labels map[string]string) *follower {
	if labels[labelAttached] != "" || labels[labelAppID] == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	f := c.followers[id]
	if f != nil && f.startedAgain() {
		return f
	}
	f = newFollower(c, labelled(id, labels))
	c.followers[id] = f
	c.work.Go(f.run)
	return f
}

func (c *collector) drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.followers, id)
}

func (c *collector) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

func (c *collector) follower(id string) *follower {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.followers[id]
}

// settle waits until the log of an instance that has ended is read, or ctx ends. One whose start was not noticed yet
// is followed now.
func (c *collector) settle(ctx context.Context, id string) error {
	f := c.follower(id)
	if f == nil {
		found, err := c.docker.inspect(ctx, id)
		if err != nil {
			return err
		}
		if engineTime(found.State.StartedAt).IsZero() {
			return nil
		}
		if f = c.follow(id, found.Config.Labels); f == nil {
			return nil
		}
	}
	select {
	case <-f.done:
		return nil
	case <-c.ctx.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("read the log of instance %s to its end: %w", short(id), ctx.Err())
	}
}
