package runtime

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoServesAtTheEndIsNotWhoIsAskedTooLate(t *testing.T) {
	t.Parallel()
	old := func(context.Context) (string, error) { return "old", nil }
	slow := func(ctx context.Context) (string, error) { // the time is up while it is asked
		select {
		case <-time.After(7 * time.Second):
			return "old", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	for name, c := range map[string]struct {
		serving         func(context.Context) (string, error)
		served, another bool
	}{
		"the successor":   {func(context.Context) (string, error) { return "new", nil }, true, false},
		"the other":       {old, false, true},
		"the other, slow": {slow, false, true},
		"none":            {func(context.Context) (string, error) { return "", errors.New("refused") }, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				served, another := awaitServing(t.Context(), c.serving, "new")
				if served != c.served || another != c.another {
					t.Errorf("got %v, %v", served, another)
				}
			})
		})
	}
}
