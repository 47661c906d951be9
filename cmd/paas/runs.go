package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

func newRunList(s *session) *cobra.Command {
	limit, all, asJSON := 0, false, false
	cmd := &cobra.Command{
		Use:   "run:list",
		Short: "List one-off processes, newest first",
		Long: `List the newest one-off processes of an app, newest first. The newest 1,000 of those that have ended are kept.

Piped: name, status, exit code, release, command, user, start, seconds.`,
		Example: `  paas run:list
  paas run:list -n 200 --json
  paas run:list --all`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxRuns {
				return usage("run:list", "-n is a number from 1 to %d", maxRuns)
			}
			if all {
				limit = maxRuns
			}
			return runRunList(cmd.Context(), s, limit, asJSON)
		},
	}
	cmd.Flags().IntVarP(&limit, "lines", "n", defaultRuns, "how many at most")
	cmd.Flags().BoolVar(&all, "all", false, "all that are kept")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// The number of runs that a person sees unasked, and the most that can be asked for.
const (
	defaultRuns = 50
	maxRuns     = 10_000
)

func runRunList(ctx context.Context, s *session, limit int, asJSON bool) error {
	srv, app, err := s.target(ctx)
	if err != nil {
		return err
	}
	runs, err := srv.Runs(ctx, app, limit)
	if err != nil {
		return err
	}
	if len(runs) == 0 && !asJSON {
		s.note("%s has had no one-off processes. Run one with: paas run -- COMMAND", app)
		return nil
	}
	for i := range runs {
		runs[i].Command = list(runs[i].Command)
	}
	return s.show(asJSON, list(runs), func(p *page) {
		rows := make([][]string, 0, len(runs))
		for _, r := range runs {
			rows = append(rows, []string{
				r.Name, string(r.Status), runExit(r), version(r.Release), commandText(r.Command), r.User, p.ago(r.CreatedAt), p.seconds(r.Seconds),
			})
		}
		p.table([]string{"RUN", "STATUS", "EXIT", "RELEASE", "COMMAND", "USER", "STARTED", "TOOK"}, rows)
	})
}

func runExit(r paas.RunInfo) string {
	if r.ExitCode == nil {
		return ""
	}
	return strconv.Itoa(*r.ExitCode)
}

// commandText shows an argv so that it could be typed.
func commandText(argv []string) string {
	words := make([]string, 0, len(argv))
	for _, word := range argv {
		if word == "" || strings.ContainsAny(word, " \t\n'\"\\$`!*?[](){}<>|&;#~") {
			word = shellQuote(word)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// oneRunOptions are those of commands about one run.
type oneRunOptions struct {
	*session
	id   int
	json bool
}

func newOneRun(s *session, cmd *cobra.Command, run func(context.Context, *oneRunOptions) error) *cobra.Command {
	o := &oneRunOptions{session: s}
	cmd.Args = between(1, 1)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if o.id, err = parseNumber("run", paas.RunType+".", args[0]); err != nil {
			return err
		}
		return run(cmd.Context(), o)
	}
	jsonFlag(cmd, &o.json)
	return cmd
}

func newRunInfo(s *session, run func(context.Context, *oneRunOptions) error) *cobra.Command {
	return newOneRun(s, &cobra.Command{
		Use:     "run:info RUN",
		Short:   "Show a one-off process",
		Example: "  paas run:info run.17",
	}, run)
}

func runRunInfo(ctx context.Context, o *oneRunOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	r, err := srv.Run(ctx, app, o.id)
	if err != nil {
		return err
	}
	return o.showRun(r)
}

func newRunStop(s *session, run func(context.Context, *oneRunOptions) error) *cobra.Command {
	return newOneRun(s, &cobra.Command{
		Use:     "run:stop RUN",
		Short:   "Stop a one-off process",
		Example: "  paas run:stop run.17",
	}, run)
}

func runRunStop(ctx context.Context, o *oneRunOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	r, err := srv.StopRun(ctx, app, o.id)
	if err != nil {
		return err
	}
	o.note("Stopped %s of %s.", r.Name, app)
	if !o.json {
		return nil
	}
	return o.showRun(r)
}

func (o *oneRunOptions) showRun(r paas.RunInfo) error {
	r.Command = list(r.Command)
	return o.show(o.json, r, func(p *page) {
		p.fields(
			[2]string{"name", r.Name}, [2]string{"status", string(r.Status)}, [2]string{"exit_code", runExit(r)},
			[2]string{"release", version(r.Release)}, [2]string{"command", commandText(r.Command)}, [2]string{"user", r.User},
			[2]string{"schedule", r.Schedule}, [2]string{"size", r.Size.String()},
			[2]string{"created", p.ago(r.CreatedAt)}, [2]string{"seconds", p.seconds(r.Seconds)}, [2]string{"error", r.Error},
		)
	})
}
