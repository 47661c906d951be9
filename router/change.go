package router

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"paas"
)

// change is an edit of the routes on its way to disk and target. Its fields are guarded by Controller.mu.
type change struct {
	edit    func([]paas.Route) []paas.Route // of a slice that it may change
	settled bool                            // written, or err says why not
	version uint64                          // of the table that holds it
	err     error
}

// change returns once edit is live, or cannot become so, or ctx has ended.
func (c *Controller) change(ctx context.Context, edit func([]paas.Route) []paas.Route) error {
	ch := &change{edit: edit}
	c.mu.Lock()
	c.pending = append(c.pending, ch)
	c.mu.Unlock()

	var last error
	for wait := newBackoff(); ; {
		select {
		case c.turn <- struct{}{}:
		case <-ctx.Done():
			return c.giveUp(ch, last)
		}
		err := c.advance(ctx, ch)
		<-c.turn
		if retry := paas.CodeOf(err) == paas.Unavailable && ch.err == nil; !retry {
			return err
		}
		last = err
		if !wait.sleep(ctx) {
			return c.giveUp(ch, last)
		}
	}
}

// advance, called with the turn, does what is left to do for ch.
func (c *Controller) advance(ctx context.Context, ch *change) error {
	if !c.settled(ch) {
		c.write()
	}
	if ch.err != nil {
		return ch.err
	}
	c.mu.Lock()
	live := c.live
	c.mu.Unlock()
	if live >= ch.version {
		return nil
	}
	return c.put(ctx)
}

func (c *Controller) settled(ch *change) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ch.settled
}

// giveUp withdraws a change that nobody has written yet.
func (c *Controller) giveUp(ch *change, last error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.pending, ch); i >= 0 {
		c.pending = slices.Delete(c.pending, i, i+1)
	}
	if ch.err != nil {
		return ch.err
	}
	if ch.settled && c.live >= ch.version {
		return nil
	}
	if last == nil {
		last = away(errors.New("another change is still waiting for it"))
	}
	return last
}

// write, called with the turn, puts all pending changes into one table and that on disk. Where that fails none of
// them happened, unless it fails for want of space: see save.
func (c *Controller) write() {
	c.mu.Lock()
	batch := c.pending
	c.pending = nil
	next := Table{Version: c.table.Version, Routes: slices.Clone(c.table.Routes)}
	old := c.table
	c.mu.Unlock()

	for _, ch := range batch {
		next.Routes = ch.edit(next.Routes)
	}
	var err error
	if changed := !sameRoutes(old.Routes, next.Routes); changed || c.unsaved {
		if changed {
			next.Version++
		}
		c.placeFiles(next)
		err = c.save(next)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.table = next
	}
	for _, ch := range batch {
		ch.settled, ch.version, ch.err = true, next.Version, err
	}
}

// save puts a table on disk. On a full one it is left for the next change, which may be none at all, to try again: that
// requests find what serves them now is worth more than what a restart of the router and of paasd would find, and both
// have what is needed to get over that.
func (c *Controller) save(t Table) error {
	err := save(c.dir, t, c.keep)
	switch {
	case paas.OutOfSpace(err):
		if !c.unsaved {
			c.opts.Log.Error("routing table goes live but is not on disk, which has no space left", "error", err)
		}
		c.setUnsaved(true)
	case err != nil:
		return fmt.Errorf("save the routing table: %w", err)
	default:
		c.saved(t, c.keep)
		c.keep = true
		c.setUnsaved(false)
	}
	c.found(problemsOf(t))
	return nil
}

func (c *Controller) setUnsaved(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unsaved = on
}

// put, called with the turn, makes the table as written live in the target.
func (c *Controller) put(ctx context.Context) error {
	t := c.Table()
	problems, err := c.target.Put(ctx, t)
	if stale, ok := errors.AsType[*StaleError](err); ok {
		// Ours was restored from a backup, or lost: what it says counts, so it becomes the newest.
		t.Version = stale.Live + 1
		if err := c.save(t); err != nil {
			return err
		}
		c.mu.Lock()
		c.table = t
		c.mu.Unlock()
		problems, err = c.target.Put(ctx, t)
	}
	if err != nil {
		return err
	}
	c.settle(append(problemsOf(t), problems...))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = max(c.live, t.Version)
	return nil
}

// restore puts the table because the target's log began anew: the target may have lost it.
func (c *Controller) restore(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
		c.replaceFiles(c.Table())
		return c.put(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func sameRoutes(a, b []paas.Route) bool {
	return slices.EqualFunc(a, b, func(x, y paas.Route) bool { return reflect.DeepEqual(x, y) })
}
