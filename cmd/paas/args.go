package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"paas"
)

// noArgs refuses any argument.
func noArgs(cmd *cobra.Command, args []string) error { return countArgs(cmd, args, 0, 0) }

// between asks for at least least and at most most arguments; most < 0 is any number.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error { return countArgs(cmd, args, least, most) }
}

// countArgs names what is missing by the words of the command's usage line.
func countArgs(cmd *cobra.Command, args []string, least, most int) error {
	if len(args) < least {
		missing := strings.Fields(cmd.Use)[1+len(args)]
		return usage(cmd.Name(), "%s needs %s", cmd.Name(), missing)
	}
	if most >= 0 && len(args) > most {
		return usage(cmd.Name(), "%s does not take the argument %s", cmd.Name(), paas.Quote(args[most]))
	}
	return nil
}

// parseNumber reads the number of a release (v3), build (3) or run (run.3): prefix and number, or the number alone.
func parseNumber(what, prefix, arg string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(arg, prefix))
	if err != nil || n < 1 {
		return 0, paas.Errorf(paas.Invalid, "%s is not a %s", paas.Quote(arg), what).
			WithHint("write it as %s3, for example", prefix)
	}
	return n, nil
}

// optionalNumber is parseNumber of the only argument, 0 when there is none.
func optionalNumber(what, prefix string, args []string) (int, error) {
	if len(args) == 0 {
		return 0, nil
	}
	return parseNumber(what, prefix, args[0])
}

// parseTarget reads a process type or an instance; no argument is all of them.
func parseTarget(args []string) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	target := args[0]
	if _, _, ok := paas.ParseInstanceName(target); !ok && !paas.ValidProcessType(target) {
		return "", paas.Errorf(paas.Invalid, "%s is neither a process type nor an instance", paas.Quote(target)).
			WithHint("use a type like web, or an instance like web.1")
	}
	return target, nil
}

// jsonFlag gives a command --json.
func jsonFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "print JSON")
}
