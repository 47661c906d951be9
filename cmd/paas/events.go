package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"paas"
)

type eventsOptions struct {
	*session
	limit    int
	changes  bool
	platform bool
	json     bool
}

// The number of events that a person sees unasked, and the most that an app has.
const (
	defaultEvents = 50
	maxEvents     = 10_000
)

// eventTime shows an event's time to the microsecond, since their order is the point.
const eventTime = "2006-01-02T15:04:05.000000Z07:00"

func newEvents(s *session, run func(context.Context, *eventsOptions) error) *cobra.Command {
	o := &eventsOptions{session: s}
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what was asked of an app and what the platform did, newest first",
		Long: `Show what was asked of an app, and what the platform did to it, newest first.

A change that somebody asked for is shown as its command (config:set, ps:scale, git push): who, from where, what of, and
how it ended: done, or the code of the error and its sentence. It has names, never values. Every step of moving instances follows
(deploy.switch, deploy.routed, instance.draining, instance.stopping, …) with its time to the microsecond; the texts of these
are in the log as well: paas logs --source paas

The newest 10,000 steps of an app are kept, and the newest 20,000 changes of the installation, those of apps that are gone
included: paas events --platform

Piped: id (of a step), time, kind, app, release, instance, user, from, result, text.`,
		Example: `  paas events
  paas events --changes
  paas events --platform -n 1000 --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.limit < 1 || o.limit > maxEvents {
				return usage("events", "-n is a number from 1 to %d", maxEvents)
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVarP(&o.limit, "lines", "n", defaultEvents, "how many at most")
	cmd.Flags().BoolVar(&o.changes, "changes", false, "only what somebody asked for")
	cmd.Flags().BoolVar(&o.platform, "platform", false, "the changes of every app and of the platform itself")
	jsonFlag(cmd, &o.json)
	return cmd
}

func runEvents(ctx context.Context, o *eventsOptions) error {
	events, err := o.events(ctx)
	if err != nil {
		return err
	}
	return o.show(o.json, list(events), func(p *page) {
		rows := make([][]string, 0, len(events))
		for _, ev := range events {
			id := ""
			if ev.ID > 0 {
				id = strconv.Itoa(ev.ID)
			}
			rows = append(rows, []string{
				id, ev.Time.UTC().Format(eventTime), string(ev.Kind), ev.App, version(ev.Release), ev.Instance, ev.User, ev.From, ev.Result, ev.Text,
			})
		}
		p.table([]string{"ID", "TIME", "KIND", "APP", "RELEASE", "INSTANCE", "USER", "FROM", "RESULT", "TEXT"}, rows)
	})
}

func (o *eventsOptions) events(ctx context.Context) ([]paas.EventInfo, error) {
	q := paas.EventQuery{Changes: o.changes, Limit: o.limit}
	if o.platform {
		srv, err := o.server(ctx)
		if err != nil {
			return nil, err
		}
		return srv.Events(ctx, q)
	}
	srv, app, err := o.target(ctx)
	if err != nil {
		return nil, err
	}
	q.App = app
	return srv.Events(ctx, q)
}
