package runtime

import (
	"context"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"paas"
)

// The pauses between attempts to connect to an engine that is away.
const (
	retryFirst = 100 * time.Millisecond
	retryMost  = 2 * time.Second
)

// resync is the Kind of the event that says: from here on nothing is missed, so observe now.
const resync = "resync"

// Events tells fn what happens to the installation's instances until ctx ends, and then returns nil. It reconnects by
// itself; after each connection, the first included, comes "resync". An event may come twice. fn must not block. What
// fn hears of, Instances knows.
func (d *Docker) Events(ctx context.Context, fn func(paas.InstanceEvent)) error {
	return d.watch(ctx, func(e event) error {
		switch e.Kind {
		case resync, string(events.ActionStart), string(events.ActionDie), string(events.ActionOOM), string(events.ActionDestroy):
			fn(e.InstanceEvent)
		}
		return nil
	})
}

// event is an instance event with the labels of its instance.
type event struct {
	paas.InstanceEvent
	labels map[string]string
}

// watch is Events with labels. An error of fn breaks the connection, so that a resync comes again.
func (d *Docker) watch(ctx context.Context, fn func(event) error) error {
	wait := backoff{}
	for ctx.Err() == nil {
		err := d.watchOnce(ctx, func(e event) error {
			err := fn(e)
			if err == nil {
				wait = backoff{}
			}
			return err
		})
		if ctx.Err() == nil {
			d.log.Debug("the engine's event stream ended", "error", err)
			wait.pause(ctx)
		}
	}
	return nil
}

func (d *Docker) watchOnce(ctx context.Context, fn func(event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The engine answers a moment before it listens to itself; it replays what came in that moment.
	since := strconv.FormatInt(time.Now().Add(-time.Second).Unix(), 10)
	filters := d.mine(labelInstance).Add("type", string(events.ContainerEventType)).Add("event", telling()...)
	noAnswer := time.AfterFunc(readLimit, cancel)
	stream := d.client.Events(ctx, client.EventsListOptions{Since: since, Filters: filters})
	noAnswer.Stop()
	// The client closes Err when its goroutine is gone; an error waits in it already when connecting failed.
	defer func() {
		cancel()
		for range stream.Err { // until it is closed
		}
	}()
	select {
	case err := <-stream.Err:
		return err
	default:
	}
	d.mirror.connected()
	defer d.mirror.lost()
	if err := fn(event{InstanceEvent: paas.InstanceEvent{Kind: resync}}); err != nil {
		return err
	}
	for {
		select {
		case err := <-stream.Err:
			return err
		case m := <-stream.Messages:
			d.mirror.told(m.Actor.ID)
			if err := fn(instanceEvent(m)); err != nil {
				return err
			}
		}
	}
}

func instanceEvent(m events.Message) event {
	labels := m.Actor.Attributes
	return event{
		InstanceEvent: paas.InstanceEvent{
			App: labels[labelAppID], ID: m.Actor.ID, Name: labels[labelInstance], Kind: string(m.Action), ExitCode: number(labels["exitCode"]),
		},
		labels: labels,
	}
}

// backoff is a pause that doubles. Its zero value starts anew.
type backoff struct{ last time.Duration }

// pause waits, or returns when ctx ends.
func (b *backoff) pause(ctx context.Context) { b.pauseUntil(ctx, nil) }

// pauseUntil is pause that early ends, too.
func (b *backoff) pauseUntil(ctx context.Context, early <-chan struct{}) {
	b.last = min(max(retryFirst, 2*b.last), retryMost)
	timer := time.NewTimer(b.last)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-early:
	case <-ctx.Done():
	}
}
