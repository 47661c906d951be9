package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
)

type eventsOptions struct {
	*session
	limit int
	json  bool
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
		Short: "Show what the platform did to an app, newest first",
		Long: `Show what the platform did to an app, newest first: who deployed, scaled or ran what, and each step of moving its instances
(deploy.switch, deploy.routed, instance.draining, instance.stopping, …) with its time to the microsecond. The newest 10,000
are kept. The texts are in the log as well: paas logs --source paas

Piped: id, time, kind, release, instance, user, text.`,
		Example: `  paas events
  paas events -n 1000 --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.limit < 1 || o.limit > maxEvents {
				return usage("events", "-n is a number from 1 to %d", maxEvents)
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVarP(&o.limit, "lines", "n", defaultEvents, "how many at most")
	jsonFlag(cmd, &o.json)
	return cmd
}

func runEvents(ctx context.Context, o *eventsOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	events, err := srv.Events(ctx, app, o.limit)
	if err != nil {
		return err
	}
	return o.show(o.json, list(events), func(p *page) {
		rows := make([][]string, 0, len(events))
		for _, ev := range events {
			rows = append(rows, []string{
				strconv.Itoa(ev.ID), ev.Time.UTC().Format(eventTime), string(ev.Kind), version(ev.Release), ev.Instance, ev.User, ev.Text,
			})
		}
		p.table([]string{"ID", "TIME", "KIND", "RELEASE", "INSTANCE", "USER", "TEXT"}, rows)
	})
}
