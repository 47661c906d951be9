package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"paas"
)

// confirmed makes sure that the user means this app: given is what --confirm said; on a terminal the user is asked.
func (s *session) confirmed(ctx context.Context, app, given, command string) error {
	if given == "" && terminal(s.in) != nil {
		_, _ = fmt.Fprintf(s.err, "This destroys %s and all it has. Type its name to go on: ", app)
		answer, err := s.answer(ctx)
		if err != nil {
			return err
		}
		given = answer
	}
	hint := fmt.Sprintf("%s -a %s --confirm %s", command, app, app)
	switch given {
	case app:
		return nil
	case "":
		return paas.Errorf(paas.Invalid, "nothing was done: destroying %s has to be confirmed", app).WithHint("%s", hint)
	default:
		return paas.Errorf(paas.Invalid, "nothing was done: %s is not the name of %s", paas.Quote(given), app).WithHint("%s", hint)
	}
}

// answer reads a line from the user. A read cannot be interrupted, so it is left behind when ctx ends: paas ends then.
func (s *session) answer(ctx context.Context) (string, error) {
	type reply struct {
		line string
		err  error
	}
	got := make(chan reply, 1)
	go func() {
		line, err := bufio.NewReader(s.in).ReadString('\n')
		got <- reply{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-got:
		if r.err != nil && !errors.Is(r.err, io.EOF) {
			return "", fmt.Errorf("read the answer: %w", r.err)
		}
		return strings.TrimSpace(r.line), nil
	}
}
