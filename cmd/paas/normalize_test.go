package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

func TestNormalize(t *testing.T) {
	known := names(newRoot(newSession(&host{now: now})))
	for _, c := range []struct{ in, want []string }{
		{nil, nil},
		{[]string{"config"}, []string{"config"}},
		{[]string{"config:set", "A=1"}, []string{"config:set", "A=1"}},
		{[]string{"config", "set", "A=1"}, []string{"config:set", "A=1"}},
		{[]string{"-a", "x", "config", "set", "A=1"}, []string{"config:set", "-a", "x", "A=1"}},
		{[]string{"config", "--app", "x", "set", "A=1"}, []string{"config:set", "--app", "x", "A=1"}},
		{[]string{"config", "--app=set", "get", "A"}, []string{"config:get", "--app=set", "A"}},
		{[]string{"--json", "apps"}, []string{"apps", "--json"}},
		{[]string{"git", "remote", "-a", "x"}, []string{"git:remote", "-a", "x"}},
		{[]string{"scale", "web=1"}, []string{"scale", "web=1"}},
		{[]string{"run", "list"}, []string{"run", "list"}},
		{[]string{"run:list"}, []string{"run:list"}},
		{[]string{"run:detached", "-e", "A=1", "x"}, []string{"run", "--detach", "-e", "A=1", "x"}},
		{[]string{"-a", "x", "run", "-d", "config", "set"}, []string{"run", "-a", "x", "-d", "config", "set"}},
		{[]string{"help", "config", "set"}, []string{"help", "config:set"}},
		{[]string{"help"}, []string{"help"}},
		{[]string{"-h"}, []string{"-h"}},
		{[]string{"completion", "bash"}, []string{"completion", "bash"}},
		{[]string{"run", "ls", "-al"}, []string{"run", "ls", "-al"}},
		{[]string{"ps:exec", "web.1", "rm", "-rf", "x"}, []string{"ps:exec", "web.1", "rm", "-rf", "x"}},
		{[]string{"ps", "exec", "web.1", "ls", "-al"}, []string{"ps:exec", "web.1", "ls", "-al"}},
		{[]string{"ps", "--", "scale"}, []string{"ps", "--", "scale"}},
	} {
		in := slices.Clone(c.in)
		got, err := normalize(c.in, known)
		if err != nil {
			t.Errorf("normalize(%q): %v", c.in, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("normalize(%q) (-want +got):\n%s", c.in, diff)
		}
		if diff := cmp.Diff(in, c.in); diff != "" {
			t.Errorf("normalize changed its argument (-was +is):\n%s", diff)
		}
	}
}

func TestAnUnknownCommandSuggestsTheNearest(t *testing.T) {
	known := names(newRoot(newSession(&host{now: now})))
	for name, want := range map[string][]string{
		"confg":     {"config"},
		"scael":     {"scale"},
		"relases":   {"releases"},
		"keys:":     {"keys:add", "keys:remove"},
		"__comp":    nil,
		"something": nil,
	} {
		if diff := cmp.Diff(want, suggest(name, known)); diff != "" {
			t.Errorf("suggest(%q) (-want +got):\n%s", name, diff)
		}
	}
	if _, err := normalize([]string{"nosuch"}, known); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("an unknown command is %v, want %s", err, paas.Invalid)
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, cmd := range newRoot(newSession(&host{now: now})).Commands() {
		if cmd.Short == "" || cmd.GroupID == "" || (cmd.Example == "" && cmd.Name() != helpCommand) {
			t.Errorf("%s has no short help, example or group", cmd.Name())
		}
	}
}

func TestAGluedFlagIsRefused(t *testing.T) {
	for _, args := range [][]string{{"create", "-rf"}, {"-ahello", "ps"}, {"destroy", "-r=x"}} {
		if got, err := normalize(args, []string{"create", "ps", "destroy"}); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%q: %q, %v", args, got, err)
		}
	}
	for _, args := range [][]string{{"run", "rm", "-rf", "x"}, {"create", "--", "-rf"}, {"ps", "-r", "x"}} {
		if _, err := normalize(args, []string{"create", "ps", "run"}); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}
