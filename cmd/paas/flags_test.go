package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"paas"
)

// parse executes a command for its flags alone.
func parse(cmd *cobra.Command, args ...string) error {
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	return cmd.Execute()
}

func TestRunFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want paas.RunRequest
	}{
		{[]string{"ls", "-l"}, paas.RunRequest{Command: []string{"ls", "-l"}}},
		{[]string{"--", "ls", "--", "-l"}, paas.RunRequest{Command: []string{"ls", "--", "-l"}}},
		{[]string{"-d", "--timeout", "1m", "x"}, paas.RunRequest{Command: []string{"x"}, Detach: true, Timeout: time.Minute}},
		{
			[]string{"-e", "A=", "-e", "B=1=2", "--release", "7", "x", "-e", "C=1"},
			paas.RunRequest{Command: []string{"x", "-e", "C=1"}, Release: 7, Env: map[string]string{"A": "", "B": "1=2"}},
		},
	} {
		var got *runOptions
		err := parse(newRun(newSession(&host{}), func(_ context.Context, o *runOptions) error {
			got = o
			return nil
		}), c.args...)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.request); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.args, diff)
		}
	}
}

func TestLogsFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want paas.LogQuery
	}{
		{nil, paas.LogQuery{Lines: defaultLines}},
		{[]string{"-t", "-n", "0"}, paas.LogQuery{Follow: true}},
		{[]string{"--since", "10m"}, paas.LogQuery{Lines: allLines, Since: clock.Add(-10 * time.Minute)}},
		{[]string{"--since", "10m", "-n", "5", "--tail"}, paas.LogQuery{Lines: 5, Since: clock.Add(-10 * time.Minute), Follow: true}},
		{[]string{"--source", "paas", "--process", "web.1"}, paas.LogQuery{Lines: defaultLines, Source: paas.LogPaas, Process: "web.1"}},
	} {
		var got *logsOptions
		err := parse(newLogs(newSession(&host{now: now}), func(_ context.Context, o *logsOptions) error {
			got = o
			return nil
		}), c.args...)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		if diff := cmp.Diff(c.want, got.query); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.args, diff)
		}
	}
}

func TestAKeyThatGoesLeavesNoTokenUnsaid(t *testing.T) {
	p := newPlatform()
	p.tokens = []paas.Token{{Name: "ci", User: "ada"}, {Name: "other", User: "bob"}}
	got := runWith(t, platformURL(t, p), nil, "keys:remove", "ada")
	want := "The token ci still lets ada in over HTTP. Revoke it with: paas tokens:remove ci\n"
	if got.code != 0 || !strings.Contains(got.stderr, want) || strings.Contains(got.stderr, "other") {
		t.Errorf("%d: %s", got.code, got.stderr)
	}
}
