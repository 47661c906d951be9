package runtime

import (
	"context"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// listings makes one listing of many that are wished for at the same time: a thousand apps that look for their
// instances at once make two.
type listings struct {
	turn chan struct{} // held by the one that lists
	last listing       // of everything; guarded by turn
}

type listing struct {
	asked uint64 // the moment before it was asked for
	all   []sighting
	byApp map[string][]sighting
	err   error
}

// look lists the instances of an app, or of all for app "", as they are now or later. Who has to wait for another's
// listing gets one of everything, which it shares with all who waited.
func (d *Docker) look(ctx context.Context, app string) ([]sighting, error) {
	wished := d.mirror.now()
	waited, err := d.listings.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer d.listings.leave()
	if app != "" && !waited {
		listed, err := d.list(ctx, app)
		return sightings(listed), err
	}
	if d.listings.last.asked < wished {
		found := d.lookAtAll(ctx)
		if found.err != nil && ctx.Err() != nil {
			return nil, found.err // which is about this wish alone
		}
		d.listings.last = found
	}
	last := d.listings.last
	if app != "" {
		return last.byApp[app], last.err
	}
	return last.all, last.err
}

// enter takes the turn, and says whether another had it.
func (l *listings) enter(ctx context.Context) (waited bool, err error) {
	select {
	case l.turn <- struct{}{}:
		return false, nil
	default:
	}
	select {
	case l.turn <- struct{}{}:
		return true, nil
	case <-ctx.Done():
		return true, explain(ctx, "list instances", ctx.Err())
	}
}

func (l *listings) leave() { <-l.turn }

func (d *Docker) lookAtAll(ctx context.Context) listing {
	found := listing{asked: d.mirror.now()}
	listed, err := d.list(ctx, "")
	if err != nil {
		found.err = err
		return found
	}
	found.all, found.byApp = sightings(listed), map[string][]sighting{}
	for _, s := range found.all {
		found.byApp[s.instance.App] = append(found.byApp[s.instance.App], s)
	}
	d.mirror.retain(found.asked, found.all)
	return found
}

func sightings(listed []container.Summary) []sighting {
	seen := make([]sighting, len(listed))
	for i, c := range listed {
		seen[i] = sighted(c)
	}
	return seen
}

// list is the engine's own, short view of the instances of an app, or of all for app "".
func (d *Docker) list(ctx context.Context, app string) ([]container.Summary, error) {
	filters := d.mine(labelInstance)
	if app != "" {
		filters.Add("label", labelAppID+"="+app)
	}
	var listed []container.Summary
	err := d.call(ctx, readLimit, "list instances", func(ctx context.Context) error {
		result, err := d.client.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
		listed = result.Items
		return err
	})
	return listed, err
}
