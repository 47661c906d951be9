package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"paas/test/platform"
)

// What cannot be told in a script, on a platform for all of it.
func TestPlatform(t *testing.T) {
	t.Parallel()
	p := platform.Start(t, platform.Options{})
	for name, test := range map[string]func(*testing.T, *platform.Platform){
		"TwoPushesFromTwoClonesAtOnce": twoClones, "ARunOnATerminal": onATerminal, "NoRequestFailsUnderLoad": underLoad, "ASecondPaasdOnTheDataDirectory": second,
		"SizesHold": sizesHold,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// What takes paasd or its engine away, each with a platform of its own.
func TestPaasdKilledUnderLoad(t *testing.T) {
	t.Parallel()
	killed(t)
}

func TestGarbageCollected(t *testing.T) {
	t.Parallel()
	garbageCollected(t)
}

func TestDockerEngineAway(t *testing.T) {
	t.Parallel()
	engineAway(t)
}

func second(t *testing.T, p *platform.Platform) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	began := time.Now()
	out, err := p.Daemon(ctx, "serve", "--data-dir", p.DataDir(), "--http-addr", p.SpareAddr(0), "--ssh-addr", p.SpareAddr(1),
		"--api-addr", p.SpareAddr(2)).CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Errorf("it runs on: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it says so after %s", took)
	}
	if said := string(out); !strings.Contains(said, p.DataDir()) || !strings.Contains(said, "hint: stop that one") {
		t.Errorf("it says %q", said)
	}
	p.Do(t, "paas", "apps")
}
