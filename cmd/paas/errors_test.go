package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"paas"
)

// Each code of the API, through the API, ends with its exit code.
func TestEachErrorHasItsExitCode(t *testing.T) {
	url := platformURL(t, newPlatform())
	for code, want := range map[paas.Code]int{
		paas.Internal: 1, paas.Invalid: 2, paas.Unauthorized: 3, paas.NotFound: 4, paas.Conflict: 5, paas.Stale: 5, paas.Failed: 6,
		paas.Unavailable: 7, paas.RateLimited: 7, paas.Canceled: 130,
	} {
		app := "err-" + strings.ReplaceAll(string(code), "_", "-")
		r := runWith(t, url, nil, "ps", "-a", app)
		if r.code != want {
			t.Errorf("%s exits with %d, want %d", code, r.code, want)
		}
		if code != paas.Internal && r.stderr != "Error: it is so\n  try: paas apps\n" {
			t.Errorf("%s says %q", code, r.stderr)
		}
		if r.stdout != "" {
			t.Errorf("%s prints %q as data", code, r.stdout)
		}
	}
}

func TestExit(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"nothing wrong", nil, 0, ""},
		{"the process's own code", exitStatus(42), 42, ""},
		{"a plain error is internal", errors.New("disk on fire"), 1, "Error: disk on fire\n"},
		{
			"a user error is shown without what it was wrapped with",
			fmt.Errorf("start: %w", paas.Errorf(paas.Conflict, "web.1 is busy").WithHint("wait a little")), 5,
			"Error: web.1 is busy\n  hint: wait a little\n",
		},
		{"several lines stay", paas.Errorf(paas.Failed, "build failed:\n  step 2\n"), 6, "Error: build failed:\n  step 2\n"},
	} {
		var stderr bytes.Buffer
		s := newSession(&host{err: &stderr, now: now})
		if code := s.exit(context.Background(), c.err); code != c.code {
			t.Errorf("%s: exit code %d, want %d", c.name, code, c.code)
		}
		if diff := cmp.Diff(c.want, stderr.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestAnInterruptedChangeSaysThatItGoesOn(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, begun := range []bool{false, true} {
		var stderr bytes.Buffer
		s := newSession(&host{err: &stderr, now: now})
		s.begun = begun
		if code := s.exit(ctx, ctx.Err()); code != 130 {
			t.Errorf("exit code %d, want 130", code)
		}
		if got := strings.Contains(stderr.String(), "goes on there"); got != begun {
			t.Errorf("begun %v: %q", begun, stderr.String())
		}
	}
}
