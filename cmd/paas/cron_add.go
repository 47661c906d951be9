package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"paas"
)

type cronAddOptions struct {
	*session
	schedule paas.Schedule
	overlap  string
	size     string
	json     bool
}

func newCronAdd(s *session, run func(context.Context, *cronAddOptions) error) *cobra.Command {
	o := &cronAddOptions{session: s}
	cmd := &cobra.Command{
		Use:   "cron:add [flags] SCHEDULE [--] COMMAND [argument…]",
		Short: "Run a command by the clock",
		Long: `Run a command by the clock: each time as a one-off process of its own, detached, on the release that is current then. A first
word that is a process type stands for its command. Its output goes to the logs as run.N.

A schedule is five fields (minute, hour, day of the month, month, day of the week), one of @hourly, @daily, @weekly, @monthly,
@yearly, or @every with a duration. Its times are those of the clocks in --timezone: a time that they skip, when they go
forward, is at the moment at which they do; a time that they show twice is the first of both.

--overlap says what happens when the run before has not ended: skip (this one does not run), queue (it runs after it), or
allow (beside it). A time that paasd was not there for is left out, or, with --catch-up, made up for once.`,
		Example: `  paas cron:add "0 3 * * *" -- ./hello migrate
  paas cron:add --name report --timezone Europe/Berlin "30 6 * * mon-fri" -- ./hello report --mail
  paas cron:add --overlap queue --timeout 10m "@every 15m" worker --once`,
		Args: func(_ *cobra.Command, args []string) error { return o.parse(args) },
		RunE: func(cmd *cobra.Command, _ []string) error { return run(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.StringVar(&o.schedule.Name, "name", "", "what it is called (default: made from the command)")
	flags.StringVar(&o.schedule.Timezone, "timezone", "", "whose clocks, like Europe/Berlin (default UTC)")
	flags.StringVar(&o.overlap, "overlap", string(paas.OverlapSkip), "skip, queue or allow")
	flags.BoolVar(&o.schedule.CatchUp, "catch-up", false, "run once for the times that were missed while paasd was away")
	flags.DurationVar(&o.schedule.Timeout, "timeout", 0, "end a run after this time, like 10m (default 24h)")
	flags.StringVar(&o.size, "size", "", "what a run may take: 512mb:0.5cpu")
	jsonFlag(cmd, &o.json)
	return cmd
}

func (o *cronAddOptions) parse(args []string) (err error) {
	if len(args) > 1 && args[1] == "--" { // the flags end with the schedule
		args = append(args[:1:1], args[2:]...)
	}
	if len(args) < 2 {
		return paas.Errorf(paas.Invalid, "cron:add needs a schedule and a command").WithHint(`paas cron:add "0 3 * * *" -- COMMAND [argument…]`)
	}
	o.schedule.Cron, o.schedule.Command, o.schedule.Overlap = args[0], args[1:], paas.Overlap(o.overlap)
	if _, err := paas.ParseCron(o.schedule.Cron); err != nil {
		return err
	}
	if o.schedule.Name != "" {
		if err := paas.ValidateScheduleName(o.schedule.Name); err != nil {
			return err
		}
	}
	if o.schedule.Timeout < 0 {
		return usage("cron:add", "--timeout cannot be negative")
	}
	o.schedule.Size, err = parseSize(o.size)
	return err
}

// parseSize reads the value of a --size.
func parseSize(text string) (paas.Size, error) {
	if text == "" {
		return paas.Size{}, nil
	}
	return paas.ParseSize(text)
}

func runCronAdd(ctx context.Context, o *cronAddOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	c, err := srv.AddSchedule(ctx, app, o.schedule)
	if err != nil {
		return err
	}
	o.noteNext(app, c)
	if o.json {
		return printJSON(o.out, c)
	}
	if _, err := fmt.Fprintln(o.out, c.Name); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}
