package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"paas"
)

type logsOptions struct {
	*session
	query  paas.LogQuery
	source string
	since  string
	json   bool
}

// defaultLines is how much of the past logs shows.
const defaultLines = 100

// allLines is more than a log keeps.
const allLines = 1 << 20

func newLogs(s *session, run func(context.Context, *logsOptions) error) *cobra.Command {
	o := &logsOptions{session: s}
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show the log of an app",
		Long: `Show the log of an app: what its processes print (source app), a line a request (router), and what the platform did
(paas). The last 100 lines, or those since a time; with --tail it goes on, across deploys too, until you end it with
Ctrl-C, which is no error.`,
		Example: `  paas logs -n 20
  paas logs --tail
  paas logs -t -n 0 --process web.1
  paas logs --source router --since 10m
  paas logs --json | jq -r .text`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.parse(cmd.Flags().Changed("lines")); err != nil {
				return err
			}
			return run(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&o.query.Lines, "lines", "n", defaultLines, "how many lines of the past")
	flags.BoolVarP(&o.query.Follow, "tail", "t", false, "go on with what comes")
	flags.StringVar(&o.source, "source", "", "only lines of app, router or paas")
	flags.StringVar(&o.query.Process, "process", "", "only lines of a process type (web) or an instance (web.1, run.17)")
	flags.StringVar(&o.since, "since", "", "only lines since then: 10m, 2h, or a time like 2026-11-23T06:00:00Z")
	flags.BoolVar(&o.json, "json", false, "print JSON, an object a line")
	return cmd
}

// parse checks the flags and completes the query; counted says that -n was given.
func (o *logsOptions) parse(counted bool) error {
	if o.query.Lines < 0 {
		return usage("logs", "-n cannot be negative")
	}
	switch src := paas.LogSource(o.source); src {
	case "", paas.LogApp, paas.LogRouter, paas.LogPaas:
		o.query.Source = src
	default:
		return usage("logs", "there is no log source %s: use app, router or paas", paas.Quote(o.source))
	}
	if o.since != "" {
		since, err := parseSince(o.since, o.now())
		if err != nil {
			return err
		}
		o.query.Since = since
		if !counted {
			o.query.Lines = allLines
		}
	}
	return nil
}

// parseSince reads a duration before now, or a time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, usage("logs", "%s is neither a duration like 10m nor a time like 2026-11-23T06:00:00Z", paas.Quote(text))
}

func runLogs(ctx context.Context, o *logsOptions) error {
	srv, app, err := o.target(ctx)
	if err != nil {
		return err
	}
	if o.query.Lines == 0 && !o.query.Follow {
		return nil // the service takes 0 for all
	}
	err = srv.Logs(ctx, app, o.query, o.printer())
	if o.query.Follow && ctx.Err() != nil {
		return nil // the user has seen enough
	}
	return err
}

// printer returns what prints a line. Lines are written as they come, one write each: a tail has readers.
func (o *logsOptions) printer() func(paas.LogLine) error {
	format := paas.LogLine.String
	switch {
	case o.json:
		return func(l paas.LogLine) error {
			enc := json.NewEncoder(o.out)
			enc.SetEscapeHTML(false)
			return written(enc.Encode(l))
		}
	case o.colours(o.out):
		format = colored
	}
	return func(l paas.LogLine) error {
		_, err := fmt.Fprintln(o.out, format(l))
		return written(err)
	}
}

func written(err error) error {
	if err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// colored is the line with its head in a color of its process. The text keeps its own.
func colored(l paas.LogLine) string {
	line := l.String()
	head := strings.TrimSuffix(line, l.Text)
	return color(l.Process) + strings.TrimSuffix(head, " ") + "\x1b[0m " + l.Text
}

// color picks one of the six colors that are readable on light and dark.
func color(process string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(process)) // a hash's Write never fails
	return fmt.Sprintf("\x1b[%dm", 31+h.Sum32()%6)
}
