package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"paas"
)

func newCron(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "cron", Aliases: []string{"cron:list"},
		Short: "List the schedules of an app",
		Long: `List the schedules of an app: what runs by the clock, when it ran last and how that ended, and when it runs next. They come from
the app.json of the current release, and from cron:add. Each time is a one-off process of its own on the current release:
paas run:list, paas logs --process run.17.

Piped: name, schedule, zone, command, last run, how it ended, when that was due, next time, on or off, app.json or who added it.`,
		Example: `  paas cron
  paas cron --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCron(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runCron(ctx context.Context, s *session, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	schedules, err := srv.Schedules(ctx, app)
	if err != nil {
		return err
	}
	if len(schedules) == 0 && !asJSON {
		s.note(`%s has no schedules. Add one with: paas cron:add "0 3 * * *" -- COMMAND`, app)
		return nil
	}
	return s.show(asJSON, list(schedules), func(p *page) {
		rows := make([][]string, 0, len(schedules))
		for _, c := range schedules {
			rows = append(rows, p.scheduleRow(c))
		}
		p.table([]string{"NAME", "SCHEDULE", "ZONE", "COMMAND", "LAST", "ENDED", "AT", "NEXT", "STATE", "FROM"}, rows)
	})
}

func (p *page) scheduleRow(c paas.ScheduleInfo) []string {
	state, from := "on", c.User
	if !c.Enabled {
		state = "off"
	}
	if c.Declared {
		from = "app.json"
	}
	var last, ended, at, next string
	if l := c.Last; l != nil {
		last, ended, at = l.Run, string(l.Status), p.ago(l.At)
		if l.ExitCode != nil {
			ended = strconv.Itoa(*l.ExitCode)
		}
	}
	if c.NextAt != nil {
		next = p.until(*c.NextAt)
	}
	return []string{c.Name, c.Cron, c.Timezone, commandText(c.Command), last, ended, at, next, state, from}
}

// oneScheduleOptions are those of commands about one schedule.
type oneScheduleOptions struct {
	*session
	name string
	json bool
}

func newOneSchedule(s *session, cmd *cobra.Command, run func(context.Context, *oneScheduleOptions) error) *cobra.Command {
	o := &oneScheduleOptions{session: s}
	cmd.Args = between(1, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.name = args[0]
		if err := paas.ValidateScheduleName(o.name); err != nil {
			return err
		}
		return run(cmd.Context(), o)
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func newCronRemove(s *session, run func(context.Context, *oneScheduleOptions) error) *cobra.Command {
	return newOneSchedule(s, &cobra.Command{
		Use: "cron:remove NAME", Short: "Remove a schedule; a run of it that is under way goes on", Example: "  paas cron:remove nightly",
	}, run)
}

func runCronRemove(ctx context.Context, o *oneScheduleOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	c, err := srv.RemoveSchedule(ctx, app, o.name)
	if err != nil {
		return err
	}
	o.note("Removed %s from %s.", c.Name, app)
	return o.scheduleJSON(o.json, c)
}

func newCronRun(s *session, run func(context.Context, *oneScheduleOptions) error) *cobra.Command {
	return newOneSchedule(s, &cobra.Command{
		Use: "cron:run NAME", Short: "Run the command of a schedule now", Example: "  paas cron:run nightly",
	}, run)
}

func runCronRun(ctx context.Context, o *oneScheduleOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	run, err := srv.RunSchedule(ctx, app, o.name)
	if err != nil {
		return err
	}
	return o.started(run, app, o.json)
}

// newCronSet makes cron:enable and cron:disable.
func newCronSet(s *session, on bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: "cron:disable NAME", Aliases: []string{"cron:suspend"}, Short: "Let a schedule not run, until cron:enable", Example: "  paas cron:disable nightly",
		Long: `Let a schedule not run, until cron:enable. One of the app.json stays disabled over releases as long as they have it.`,
	}
	if on {
		cmd = &cobra.Command{
			Use: "cron:enable NAME", Aliases: []string{"cron:resume"}, Short: "Let a schedule run again", Example: "  paas cron:enable nightly",
		}
	}
	return newOneSchedule(s, cmd, func(ctx context.Context, o *oneScheduleOptions) error { return runCronSet(ctx, o, on) })
}

func runCronSet(ctx context.Context, o *oneScheduleOptions, on bool) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	c, err := srv.SetSchedule(ctx, app, o.name, paas.SchedulePatch{Enabled: &on})
	if err != nil {
		return err
	}
	if on {
		o.noteNext(app, c)
	} else {
		o.note("%s of %s does not run until: paas cron:enable %s -a %s", c.Name, app, c.Name, app)
	}
	return o.scheduleJSON(o.json, c)
}

func (s *session) noteNext(app string, c paas.ScheduleInfo) {
	if c.NextAt == nil {
		return
	}
	s.note("%s of %s runs next at %s.", c.Name, app, c.NextAt.Format("2006-01-02 15:04:05 -07:00"))
}

func (s *session) scheduleJSON(asJSON bool, c paas.ScheduleInfo) error {
	if !asJSON {
		return nil
	}
	return printJSON(s.out, c)
}
