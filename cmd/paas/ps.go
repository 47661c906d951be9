package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"paas"
)

func newPs(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "Show the processes of an app",
		Long: `Show the formation of an app (how many of each process type should run) and its instances (what runs).

On a terminal also what is under way for the app, and what waits for that to end.

Piped: one line an instance, with name, state, release, start, restarts, exit code, reason, next restart, size. The formation alone
is what ps:scale without arguments prints.`,
		Example: `  paas ps
  paas ps | awk '$2 == "crashed"'
  paas ps --json`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPs(cmd.Context(), s, asJSON) },
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func runPs(ctx context.Context, s *session, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	ps, err := srv.Processes(ctx, app)
	if err != nil {
		return err
	}
	if len(ps.Formation)+len(ps.Instances)+len(ps.Queue) == 0 && !asJSON {
		s.note("%s has no processes: nothing is released yet. Deploy it with: git push %s main", app, s.remoteName())
		return nil
	}
	return s.showProcesses(asJSON, ps)
}

func (s *session) showProcesses(asJSON bool, ps paas.Processes) error {
	ps.Formation, ps.Instances, ps.Queue = list(ps.Formation), list(ps.Instances), list(ps.Queue)
	return s.show(asJSON, ps, func(p *page) {
		if p.tty {
			p.formation(ps.Formation)
		}
		if p.tty && len(ps.Instances) > 0 {
			p.line("")
		}
		p.instances(ps.Instances)
		if p.tty {
			p.queue(ps.Queue)
		}
	})
}

// queue shows what is under way and what waits behind it.
func (p *page) queue(operations []paas.Operation) {
	for i, o := range operations {
		switch i {
		case 0:
			p.line("")
			p.line("Under way: " + o.Name + ", began " + p.ago(o.Since))
		default:
			p.line("Waiting:   " + o.Name + ", since " + p.ago(o.Since))
		}
	}
}

func (p *page) formation(types []paas.ProcessStatus) {
	rows := make([][]string, 0, len(types))
	for _, t := range types {
		rows = append(rows, []string{t.Type, strconv.Itoa(t.Quantity), t.Command, t.Size.String()})
	}
	p.table([]string{"TYPE", "QUANTITY", "COMMAND", "SIZE"}, rows)
}

func (p *page) instances(instances []paas.InstanceStatus) {
	if len(instances) == 0 {
		return
	}
	rows := make([][]string, 0, len(instances))
	for _, i := range instances {
		exit := ""
		if i.ExitCode != nil {
			exit = strconv.Itoa(*i.ExitCode)
		}
		rows = append(rows, []string{
			i.Name, string(i.State), version(i.Release), p.ago(moment(i.StartedAt)), strconv.Itoa(i.Restarts), exit, i.Reason,
			p.until(moment(i.NextRestartAt)), i.Size.String(),
		})
	}
	p.table([]string{"INSTANCE", "STATE", "RELEASE", "STARTED", "RESTARTS", "EXIT", "REASON", "NEXT RESTART", "SIZE"}, rows)
}
