package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"paas"
	"paas/web/client"
)

type waitOptions struct {
	*session
	timeout time.Duration
	json    bool
}

func newWait(s *session, run func(context.Context, *waitOptions) error) *cobra.Command {
	o := &waitOptions{session: s}
	cmd := &cobra.Command{
		Use:   "ps:wait",
		Short: "Wait until every instance of the formation is up",
		Long:  `Wait until as many instances of each process type are up as the formation says. Exits with 6 when they are not in time.`,
		Example: `  paas ps:wait
  paas ps:wait --timeout 5m && curl -f "$(paas open)"`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.timeout < 0 {
				return usage("ps:wait", "--timeout cannot be negative")
			}
			return run(cmd.Context(), o)
		},
	}
	cmd.Flags().DurationVar(&o.timeout, "timeout", time.Minute, "how long to wait; 0 looks once")
	jsonFlag(cmd, &o.json)
	return cmd
}

// pollEvery is how often ps:wait looks.
const pollEvery = 200 * time.Millisecond

func runWait(ctx context.Context, o *waitOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	ps, err := o.waitUp(ctx, srv, app)
	if err != nil {
		return err
	}
	if len(ps.Formation) == 0 {
		return paas.Errorf(paas.Failed, "%s has nothing to wait for: no release yet", app).WithHint("git push %s main", o.remoteName())
	}
	if missing := notUp(ps); len(missing) > 0 {
		return paas.Errorf(paas.Failed, "not all of %s is up after %s: %s", app, o.timeout, strings.Join(missing, "; ")).
			WithHint("paas logs -a %s", app)
	}
	o.note("All of %s is up.", app)
	return o.showAfter(o.json, ps)
}

// waitUp looks until everything is up, nothing ever will be, or time is over, and returns what it saw last.
func (o *waitOptions) waitUp(ctx context.Context, srv *client.Client, app string) (paas.Processes, error) {
	deadline := time.NewTimer(o.timeout)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	said := ""
	for {
		ps, err := srv.Processes(ctx, app)
		missing := notUp(ps)
		if err != nil || len(missing) == 0 || o.timeout == 0 {
			return ps, err
		}
		if text := strings.Join(missing, "; "); text != said {
			o.note("Waiting: %s", text)
			said = text
		}
		select {
		case <-ctx.Done():
			return ps, ctx.Err()
		case <-deadline.C:
			return ps, nil
		case <-tick.C:
		}
	}
}

// notUp says, a type each, what the formation wants and is not up.
func notUp(ps paas.Processes) []string {
	var missing []string
	for _, t := range ps.Formation {
		up := 0
		var others []string
		for _, i := range ps.Instances {
			switch {
			case i.Type != t.Type:
			case i.State == paas.InstanceUp:
				up++
			case i.State != paas.InstanceDraining && i.State != paas.InstanceStopping:
				others = append(others, i.Name+" is "+stateText(i))
			}
		}
		if up < t.Quantity {
			text := fmt.Sprintf("%s %d of %d up", t.Type, up, t.Quantity)
			missing = append(missing, strings.Join(append([]string{text}, others...), ", "))
		}
	}
	return missing
}

func stateText(i paas.InstanceStatus) string {
	if i.Reason == "" {
		return string(i.State)
	}
	return fmt.Sprintf("%s (%s)", i.State, i.Reason)
}
