package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

// Words that cobra answers itself.
const (
	helpCommand       = "help"
	completionCommand = "completion"
)

// names lists what can be typed as a command: names and short names.
func names(root *cobra.Command) []string {
	list := []string{helpCommand, completionCommand, cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd, "run:detached"}
	for _, cmd := range root.Commands() {
		list = append(append(list, cmd.Name()), cmd.Aliases...)
	}
	return list
}

// normalize rewrites the ways of writing a command to the one that is registered: `config set A=1` to
// `config:set A=1`, `run:detached` to `run --detach`. Flags before the command move behind it, where they mean the same.
// The words after `run` are left alone: they are the app's.
func normalize(args, known []string) ([]string, error) {
	if err := glued(args); err != nil {
		return nil, err
	}
	i := word(args, 0)
	if i < 0 {
		return args, nil
	}
	name := args[i]
	switch name {
	case completionCommand, cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
		return args, nil
	case helpCommand:
		topic, err := normalize(args[i+1:], known)
		return append(slices.Clone(args[:i+1]), topic...), err
	case "run:detached":
		return slices.Concat([]string{"run", "--detach"}, args[:i], args[i+1:]), nil
	}
	if j := word(args, i+1); j >= 0 && name != "run" && slices.Contains(known, name+":"+args[j]) {
		return slices.Concat([]string{name + ":" + args[j]}, args[:i], args[i+1:j], args[j+1:]), nil
	}
	if !slices.Contains(known, name) {
		return nil, unknownCommand(name, known)
	}
	return slices.Concat([]string{name}, args[:i], args[i+1:]), nil
}

// word returns the index of the first argument at or after i that is neither a flag nor the value of a global one,
// -1 if there is none before `--`.
func word(args []string, i int) int {
	for ; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--":
			return -1
		case arg == "-a" || arg == "-r" || arg == "--app" || arg == "--remote":
			i++
		case !strings.HasPrefix(arg, "-"):
			return i
		}
	}
	return -1
}

// glued refuses -rf, which would be the remote f, and was more likely meant as something else.
func glued(args []string) error {
	for _, arg := range args {
		switch {
		case arg == "--" || arg == "run" || arg == "run:detached" || arg == "ps:exec" || arg == "exec":
			return nil // what follows is the app's, or flags that a person reads twice
		case len(arg) > 2 && (arg[:2] == "-r" || arg[:2] == "-a"):
			return paas.Errorf(paas.Invalid, "%s is neither a flag nor a name", paas.Quote(arg)).
				WithHint("write the value by itself: %s %s", arg[:2], strings.TrimPrefix(arg[2:], "="))
		}
	}
	return nil
}

func unknownCommand(name string, known []string) error {
	err := paas.Errorf(paas.Invalid, "there is no command %s", paas.Quote(name)).WithHint("paas help")
	if similar := suggest(name, known); len(similar) > 0 {
		err.WithHint("paas %s", strings.Join(similar, ", paas "))
	}
	return err
}

// maxSuggestions keeps a hint to one line.
const maxSuggestions = 3

// suggest returns the known names closest to name: those that start with it, or else those with the fewest edits,
// two at most.
func suggest(name string, known []string) []string {
	var prefixed, near []string
	best := 2
	for _, k := range slices.Sorted(slices.Values(known)) {
		if strings.HasPrefix(k, "_") {
			continue
		}
		if len(name) > 1 && strings.HasPrefix(k, name) {
			prefixed = append(prefixed, k)
		}
		switch d := distance(name, k); {
		case d < best:
			best, near = d, []string{k}
		case d == best:
			near = append(near, k)
		}
	}
	if len(prefixed) > 0 {
		near = prefixed
	}
	return near[:min(len(near), maxSuggestions)]
}

// distance is the number of insertions, deletions and replacements of a byte that make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
