package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// environment makes KEY=value strings an object. Of a key that comes twice, the last counts.
func environment(pairs []string) map[string]string {
	env := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		env[key] = value
	}
	return env
}

func (p probe) printEnv(_ context.Context, args []string) error {
	if len(args) == 1 {
		_, err := io.WriteString(p.stdout, p.env(args[0]))
		return err
	}
	return writeJSON(p.stdout, environment(os.Environ()))
}

func (p probe) cat(context.Context, []string) error {
	_, err := io.Copy(p.stdout, p.stdin)
	return err
}

func (p probe) say(_ context.Context, args []string) error {
	_, err := io.WriteString(p.stdout, strings.Join(args, " "))
	return err
}

// print writes odd lines to stdout and even ones to stderr: "line 7 of 10", padded with dots.
func (p probe) print(ctx context.Context, args []string) error {
	lines, err := number(args, 0, 1)
	if err != nil {
		return err
	}
	length, err := number(args, 1, 0)
	if err != nil {
		return err
	}
	for n := 1; n <= lines && ctx.Err() == nil; n++ {
		line := fmt.Sprintf("line %d of %d", n, lines)
		line += strings.Repeat(".", max(0, length-len(line)))
		out := p.stdout
		if n%2 == 0 {
			out = p.stderr
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

func (p probe) exit(_ context.Context, args []string) error {
	code, err := number(args, 0, 0)
	if err != nil || code == 0 {
		return err
	}
	fmt.Fprintf(p.stderr, "exiting with %d\n", code)
	return exitCode(code)
}

// number reads the ith argument, if there is one.
func number(args []string, i, otherwise int) (int, error) {
	if i >= len(args) {
		return otherwise, nil
	}
	return strconv.Atoi(args[i])
}
